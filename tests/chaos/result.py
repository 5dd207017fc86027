"""Result: what came of a run, and whether it is good."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from tests.chaos.load import Progress
from tests.chaos.options import Options
from tests.chaos.schedule import Fault
from tests.chaos.verification import Audited, Compared, Counted


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB of one process along the run, its restarts included."""

    begin: int
    most: int
    end: int

    @classmethod
    def of(cls, samples_kib: Sequence[int]) -> Self:
        """The beginning is where it has worked for a while."""
        first = samples_kib[min(len(samples_kib) - 1, 4)]
        return cls(first // 1024, max(samples_kib) // 1024, samples_kib[-1] // 1024)


@dataclass(frozen=True, slots=True)
class Spread:
    """Recovery times of one kind of faults, in seconds; of those that were recovered from."""

    faults: int
    recovered: int
    least: float | None
    median: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that is known of a run."""

    options: Options
    machine: str
    versions: dict[str, str]
    took_s: float
    """From the first delivery to the last new one."""
    faults: list[Fault]
    done: dict[str, int]
    recovered_s: dict[int, float | None]
    ended_by_itself: dict[str, int]
    slow_to_end: list[str]
    raised: dict[str, int]
    """Tasks that raised, by exception."""
    progress: Progress
    audited: Audited
    counted: Counted
    compared: dict[str, Compared]
    memory: dict[str, Memory]
    reasons: list[str]
    """Why the run itself did not go as it should."""

    @property
    def lost(self) -> int:
        """Deliveries, or rows where that is more; 1 where only the audit says so."""
        return max(
            len(self.counted.ids_missing),
            self.counted.ordinals_missing,
            sum(one.lacking for one in self.compared.values()),
            int(bool(self.audited.lost)),
        )

    @property
    def doubled(self) -> int:
        """Effects that are there too much: rows beyond the truth, and ordinals that two deliveries have."""
        return self.counted.ordinals_doubled + sum(one.surplus for one in self.compared.values())

    @property
    def undelivered(self) -> int:
        """Deliveries that did not end with a 2xx: given up or refused for good."""
        return self.progress.drawn - self.progress.accepted

    @property
    def findings(self) -> list[str]:
        """Everything that is wrong, in words; nothing when all is good."""
        table = (
            (self.lost, f"{self.lost} lost"),
            (self.doubled, f"{self.doubled} doubled"),
            (not self.progress.ended, "the load did not report its end"),
            (self.undelivered, f"{self.undelivered} not delivered: {self.progress.states}"),
            (self.audited.lost is None, f"the audit could not find out: exit code {self.audited.exit_code}"),
            (self.counted.dead_letters, f"{self.counted.dead_letters} dead letters"),
            (set(self.counted.outcomes) - {"applied"}, f"not all are applied: {self.counted.outcomes}"),
            (self.counted.lives > 1, f"{self.counted.lives} lives of the ledger"),
        )
        return [*(words for wrong, words in table if wrong), *self.reasons]

    @property
    def recoveries(self) -> dict[str, Spread]:
        """By kind of fault."""
        by_kind: dict[str, list[float | None]] = defaultdict(list)
        for fault in self.faults:
            by_kind[fault.kind].append(self.recovered_s[fault.number])
        found = {}
        for kind, times in sorted(by_kind.items()):
            known = [one for one in times if one is not None]
            spread = (min(known), statistics.median(known), max(known)) if known else (None, None, None)
            found[kind] = Spread(len(times), len(known), *spread)
        return found

    def told(self) -> dict[str, Any]:
        """The whole of it for JSON, its sums first."""
        return {
            "database": self.options.database,
            "seed": self.options.seed,
            "good": not self.findings,
            "lost": self.lost,
            "doubled": self.doubled,
            "accepted": self.progress.accepted,
            "findings": self.findings,
            "recoveries": {kind: asdict(spread) for kind, spread in self.recoveries.items()},
            **asdict(self),
        }

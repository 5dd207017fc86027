"""Result of a run, and its findings."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from tests.chaos.load import Progress
from tests.chaos.options import Options
from tests.chaos.repair import Repair
from tests.chaos.schedule import Fault
from tests.chaos.subscribers import Notified
from tests.chaos.verification import AuditResult, DeliveryCounts, TableDiff


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB of one process during the run, across restarts."""

    begin: int
    most: int
    end: int

    @classmethod
    def of(cls, samples_kib: Sequence[int]) -> Self:
        """From samples in KiB; `begin` is the fifth sample, when the process has warmed up."""
        first = samples_kib[min(len(samples_kib) - 1, 4)]
        return cls(first // 1024, max(samples_kib) // 1024, samples_kib[-1] // 1024)


@dataclass(frozen=True, slots=True)
class Spread:
    """Recovery times of one kind of fault in seconds, of those with a recovery."""

    faults: int
    recovered: int
    least: float | None
    median: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything known about a run."""

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
    """Failed tasks, by exception."""
    progress: Progress
    audit_result: AuditResult
    counts: DeliveryCounts
    diffs: dict[str, TableDiff]
    repair: Repair | None
    """Of a run with dropped webhooks."""
    notified: dict[str, Notified]
    """What each subscriber that lives has received."""
    memory: dict[str, Memory]
    reasons: list[str]
    """Reasons why the run itself failed."""

    @property
    def lost(self) -> int:
        """Lost deliveries, or rows if more are lost; 1 if only the audit reports a loss."""
        return max(
            len(self.counts.ids_missing),
            self.counts.ordinals_missing,
            sum(diff.lacking for diff in self.diffs.values()),
            int(bool(self.audit_result.lost)),
        )

    @property
    def doubled(self) -> int:
        """Surplus effects: rows beyond the expected ones, and ordinals that two deliveries share."""
        return self.counts.ordinals_doubled + sum(diff.surplus for diff in self.diffs.values())

    def _doubled_where(self) -> str:
        """What is there too often, since the tables are gone when the run has ended."""
        tables = [f"{diff.surplus} in {table}: {diff.example}" for table, diff in self.diffs.items() if diff.surplus]
        return "; ".join([f"{self.counts.ordinals_doubled} ordinals", *tables])

    @property
    def undelivered(self) -> int:
        """Deliveries without a 2xx: given up or refused permanently."""
        return self.progress.drawn - self.progress.dropped - self.progress.accepted

    @property
    def findings(self) -> list[str]:
        """Sentences for everything that is wrong; empty for a good run."""
        table = (
            (self.lost, f"{self.lost} lost"),
            (self.doubled, f"{self.doubled} doubled: {self._doubled_where()}"),
            (not self.progress.ended, "the load did not report its end"),
            (self.undelivered, f"{self.undelivered} not delivered: {self.progress.states}"),
            (self.audit_result.lost is None, f"the audit has no answer: exit code {self.audit_result.exit_code}"),
            (self.counts.dead_letters, f"{self.counts.dead_letters} dead letters"),
            (set(self.counts.outcomes) - {"applied"}, f"not all deliveries are applied: {self.counts.outcomes}"),
            (self.counts.lives > 1, f"{self.counts.lives} lives of the ledger"),
        )
        return [
            *(words for wrong, words in table if wrong),
            *(self.repair.findings if self.repair else ()),
            *self.reasons,
        ]

    @property
    def recoveries(self) -> dict[str, Spread]:
        """Recovery times by kind of fault."""
        by_kind: dict[str, list[float | None]] = defaultdict(list)
        for fault in self.faults:
            by_kind[fault.kind].append(self.recovered_s[fault.number])
        spreads = {}
        for kind, times in sorted(by_kind.items()):
            known = [seconds for seconds in times if seconds is not None]
            spread = (min(known), statistics.median(known), max(known)) if known else (None, None, None)
            spreads[kind] = Spread(len(times), len(known), *spread)
        return spreads

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON, totals first."""
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

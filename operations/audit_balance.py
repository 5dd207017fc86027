"""Conserving: what of each series of ordinals is a row, in the ledger, known to be gone, or nowhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from ledger.client import Figures
from ledger.scan import Survey
from seven.ranges import Run, runs, size, without
from store import ordinals

SHOWN = 100  # runs of one series that are told with their neighbours' times; all are counted


@dataclass(frozen=True, slots=True)
class Missing:
    """Ordinals that are nowhere, and when the deliveries beside them were received."""

    first: int
    last: int
    after: datetime | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Series:
    """The conservation of one queue in one life: `given_out` = rows + `tallied` + `waiting` + `missing` - `doubled`."""

    life: str
    queue: str
    given_out: int
    rows: Mapping[str, int]
    """By outcome."""
    tallied: Mapping[str, int]
    """Ordinals whose rows are known to be gone: `removed` by retention, or `lost` and taken note of."""
    waiting: int
    """In the ledger, and not yet a row."""
    missing: int
    missing_runs: tuple[Run, ...]
    missing_shown: tuple[Missing, ...]
    doubled: int
    """Rows beyond one of an ordinal."""
    doubled_ordinals: tuple[int, ...]
    """Those of which no operator has taken note."""
    unknown_to_ledger: int
    """How far the rows go beyond what the ledger says it has given out: it was restored from an older file."""
    last_seen_at: datetime | None
    open_end: bool
    """An earlier life that no operator has closed: it may have given out, and held, more than was seen of it."""

    @property
    def sound(self) -> bool:
        """Whether nothing is lost, nor may be."""
        return not (self.missing or self.doubled_ordinals or self.unknown_to_ledger or self.open_end)


class Balance:
    """Rows, marks and tallies of one snapshot, set against what the ledger gave out and holds."""

    def __init__(
        self,
        connection: Connection,
        held: Survey,
        rows: Mapping[ordinals.Place, ordinals.Rows],
        given: Mapping[str, int],
        after: Figures,
    ) -> None:
        self._connection, self._held, self._rows, self._given, self._after = connection, held, rows, given, after
        self._life = held.figures.life
        self._breaks, self._tallied = ordinals.breaks(connection), ordinals.tallied(connection)
        self._marks = ordinals.marks(connection)

    def series(self) -> list[Series]:
        """Each series of ordinals, the latest life first."""
        places = {*self._rows, *self._held.held, *self._marks, *((self._life or "", queue) for queue in self._given)}
        found = [self._one(place) for place in sorted(places)]
        return sorted(found, key=lambda one: one.last_seen_at or datetime.min.replace(tzinfo=UTC), reverse=True)

    def _one(self, place: ordinals.Place) -> Series:
        life, queue = place
        rows = self._rows.get(place, ordinals.Rows({}, 0, 0, None))
        mark = self._marks.get(place, ordinals.Mark())
        present = life == self._life
        given = self._given.get(queue, 0) if present else max(mark.last_ordinal, rows.last_ordinal)
        gaps, doubled = self._breaks.get(place, ([], {}))
        rowless = runs([*gaps, (rows.last_ordinal + 1, given)] if rows.last_ordinal < given else gaps)
        rowless = without(rowless, [(given + 1, 2**63)])
        held, fates = self._held.held.get(place, []), dict(self._tallied.get(place, {}))
        known = fates.pop("doubled", [])
        gone = runs(run for some in fates.values() for run in some)
        missing = without(without(rowless, gone), held)
        surplus = {ordinal: n for ordinal, n in doubled.items() if ordinal <= given}
        end = self._after.queues[queue].last_ordinal if queue in self._after.queues else 0
        restored = max(rows.last_ordinal, mark.last_ordinal) - end if present and self._after.life == life else 0
        return Series(
            life=life,
            queue=queue,
            given_out=given,
            rows=dict(rows.outcomes),
            tallied={fate: size(some) for fate, some in fates.items()},
            waiting=size(rowless) - size(without(rowless, held)),
            missing=size(missing),
            missing_runs=tuple(missing),
            missing_shown=tuple(self._shown(place, missing[:SHOWN])),
            doubled=sum(surplus.values()),
            doubled_ordinals=tuple(one for one in sorted(surplus) if without([(one, one)], known)),
            unknown_to_ledger=max(0, restored),
            last_seen_at=max(filter(None, (mark.seen_at, rows.last_received_at)), default=None),
            open_end=not present and not mark.closed,
        )

    def _shown(self, place: ordinals.Place, missing: Iterable[Run]) -> Iterable[Missing]:
        for first, last in missing:
            after, before = ordinals.received_at(self._connection, place, (first - 1, last + 1))
            yield Missing(first, last, after, before)

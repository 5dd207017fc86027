"""Balance of the audit: which ordinals of each series are rows, in the ledger, known to be gone, or missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from sqlalchemy import Connection

from ledger.client import Figures
from ledger.scan import LedgerScan
from seven.ranges import OrdinalRange, count_ordinals, merge_ranges, subtract
from store import ordinals

SHOWN = 100  # ranges of one series that are shown with their neighbours' times; all are counted


@dataclass(frozen=True, slots=True)
class Missing:
    """A range of missing ordinals, and when the deliveries beside it were received."""

    first: int
    last: int
    after: datetime | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Series:
    """The balance of one queue in one life: `given_out` = rows + `tallied` + `waiting` + `missing` - `doubled`."""

    life: str
    queue: str
    given_out: int
    rows: Mapping[str, int]
    """By outcome."""
    tallied: Mapping[str, int]
    """Ordinals whose rows are known to be gone: `removed` by retention, or `lost` and acknowledged."""
    waiting: int
    """In the ledger, and not yet rows."""
    missing: int
    missing_runs: tuple[OrdinalRange, ...]
    missing_shown: tuple[Missing, ...]
    doubled: int
    """Surplus rows: those beyond the first of an ordinal."""
    doubled_ordinals: tuple[int, ...]
    """Ordinals with surplus rows that no operator has acknowledged."""
    unknown_to_ledger: int
    """How far the rows exceed the last ordinal of the ledger, which was then restored from an older file."""
    last_seen_at: datetime | None
    open_end: bool
    """An earlier life that no operator has closed: it may have accepted more deliveries than rows and marks show."""

    @property
    def sound(self) -> bool:
        """Whether nothing is lost, and nothing may be."""
        return not (self.missing or self.doubled_ordinals or self.unknown_to_ledger or self.open_end)


class Balance:
    """Compares rows, marks and tallies of one snapshot with the ordinals that the ledger gave out and still holds."""

    def __init__(
        self,
        connection: Connection,
        scan: LedgerScan,
        rows: Mapping[ordinals.SeriesKey, ordinals.Rows],
        given: Mapping[str, int],
        after: Figures,
    ) -> None:
        """`given` is the last ordinal of each queue before the rows were read, `after` are the figures after that."""
        self._connection, self._scan, self._rows, self._given, self._after = connection, scan, rows, given, after
        self._life = scan.figures.life
        self._breaks, self._tallied = ordinals.breaks(connection), ordinals.tallied(connection)
        self._marks = ordinals.marks(connection)

    def series(self) -> list[Series]:
        """Each series of ordinals, the latest life first."""
        present = ((self._life or "", queue) for queue in self._given)
        keys = {*self._rows, *self._scan.ordinals, *self._marks, *present}
        return sorted(
            map(self._series, sorted(keys)),
            key=lambda series: series.last_seen_at or datetime.min.replace(tzinfo=UTC),
            reverse=True,
        )

    def _series(self, key: ordinals.SeriesKey) -> Series:
        life, queue = key
        rows = self._rows.get(key, ordinals.Rows({}, 0, 0, None))
        mark = self._marks.get(key, ordinals.Mark())
        present = life == self._life
        given = self._given.get(queue, 0) if present else max(mark.last_ordinal, rows.last_ordinal)
        gaps, doubled = self._breaks.get(key, ([], {}))
        rowless = merge_ranges([*gaps, (rows.last_ordinal + 1, given)] if rows.last_ordinal < given else gaps)
        rowless = subtract(rowless, [(given + 1, 2**63)])
        in_ledger, fates = self._scan.ordinals.get(key, []), dict(self._tallied.get(key, {}))
        acknowledged = fates.pop("doubled", [])
        gone = merge_ranges(chain.from_iterable(fates.values()))
        missing = subtract(subtract(rowless, gone), in_ledger)
        surplus = {ordinal: n for ordinal, n in doubled.items() if ordinal <= given}
        end = self._after.queues[queue].last_ordinal if queue in self._after.queues else 0
        unknown = max(rows.last_ordinal, mark.last_ordinal) - end if present and self._after.life == life else 0
        return Series(
            life=life,
            queue=queue,
            given_out=given,
            rows=dict(rows.outcomes),
            tallied={fate: count_ordinals(tallied) for fate, tallied in fates.items()},
            waiting=count_ordinals(rowless) - count_ordinals(subtract(rowless, in_ledger)),
            missing=count_ordinals(missing),
            missing_runs=tuple(missing),
            missing_shown=tuple(self._shown(key, missing[:SHOWN])),
            doubled=sum(surplus.values()),
            doubled_ordinals=tuple(
                ordinal for ordinal in sorted(surplus) if subtract([(ordinal, ordinal)], acknowledged)
            ),
            unknown_to_ledger=max(0, unknown),
            last_seen_at=max(filter(None, (mark.seen_at, rows.last_received_at)), default=None),
            open_end=not present and not mark.closed,
        )

    def _shown(self, key: ordinals.SeriesKey, missing: Iterable[OrdinalRange]) -> Iterable[Missing]:
        for first, last in missing:
            after, before = ordinals.received_at(self._connection, key, (first - 1, last + 1))
            yield Missing(first, last, after, before)

"""Ordinals: which ones have rows, for the audit, and which are tallied as gone or doubled.

Each function is one pass over an index or a table.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, Engine, and_, case, delete, distinct, false, func, insert, literal, or_, select, text

from seven.ranges import OrdinalRange, merge_ranges
from store.schema import SCHEMA, deliveries, ledger_marks, tallies
from store.timeouts import lift_bounds

SNAPSHOT_S = 3600  # enough for many millions of rows, and still a bound for a server that hangs

SeriesKey = tuple[str, str]
"""A life of the ledger, and a queue: ordinals count within the two."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one life and queue."""

    outcomes: Mapping[str, int]
    """Rows by outcome."""
    later: int
    """Rows beyond the ordinals that the audit covers: they arrived while it ran."""
    last_ordinal: int
    last_received_at: datetime | None


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection whose queries all see the same moment, and may run long."""
    with engine.connect().execution_options(reads=True, snapshot=True) as connection:
        if engine.dialect.name == "postgresql":
            # before the snapshot: it would lack a partition that is dropped later, and the tally of its rows
            connection.execute(text(f"LOCK TABLE {SCHEMA}.{deliveries.name} IN ACCESS SHARE MODE"))
            lift_bounds(connection, SNAPSHOT_S)
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))  # it may run long, but not make others wait
        yield connection


def rows(connection: Connection, life: str | None, marks: Mapping[str, int]) -> dict[SeriesKey, Rows]:
    """The rows of every life and queue; of the given life, rows beyond the marks count as later."""
    c = deliveries.c
    beyond = [and_(c.ledger == life, c.queue == queue, c.ordinal > mark) for queue, mark in marks.items()]
    later = case((or_(false(), *beyond), literal(1)), else_=literal(0)).label("later")
    query = select(
        c.ledger, c.queue, c.outcome, later, func.count().label("n"), func.max(c.ordinal), func.max(c.received_at)
    ).where(c.ordinal.is_not(None))
    outcomes: dict[SeriesKey, Counter[str]] = defaultdict(Counter)
    beyond_marks: Counter[SeriesKey] = Counter()
    last: dict[SeriesKey, tuple[int, datetime | None]] = {}
    for ledger, queue, outcome, is_later, count, ordinal, at in connection.execute(
        query.group_by(c.ledger, c.queue, c.outcome, later)
    ):
        series = (ledger or "", queue or "")
        if is_later:
            beyond_marks[series] += count
        else:
            outcomes[series][outcome or ""] += count
        last[series] = max(last.get(series, (0, at)), (ordinal, at), key=lambda entry: entry[0])
    return {series: Rows(outcomes[series], beyond_marks[series], *last[series]) for series in last}


def breaks(connection: Connection) -> dict[SeriesKey, tuple[list[OrdinalRange], Counter[int]]]:
    """Where each series of ordinals is not dense: the missing ranges before its last ordinal, and surplus rows."""
    c = deliveries.c
    before_first = literal(0, c.ordinal.type)  # PostgreSQL 13 takes no other type than the column's
    before = func.lag(c.ordinal, 1, before_first).over(partition_by=(c.ledger, c.queue), order_by=c.ordinal)
    series = select(c.ledger, c.queue, c.ordinal, before.label("previous")).where(c.ordinal.is_not(None)).subquery()
    odd = select(series).where(series.c.ordinal != series.c.previous + 1)
    result: dict[SeriesKey, tuple[list[OrdinalRange], Counter[int]]] = defaultdict(lambda: ([], Counter()))
    for ledger, queue, ordinal, previous in connection.execute(odd):
        missing, doubled = result[ledger or "", queue or ""]
        if ordinal == previous:
            doubled[ordinal] += 1
        else:
            missing.append((previous + 1, ordinal - 1))
    return result


def received_at(connection: Connection, series: SeriesKey, ordinals: Sequence[int]) -> list[datetime | None]:
    """When the deliveries with these ordinals were received; None without a row."""
    c = deliveries.c
    condition = and_(c.ledger == series[0], c.queue == series[1], c.ordinal.in_(ordinals))
    rows = connection.execute(select(c.ordinal, c.received_at).where(condition))
    times = {row.ordinal: row.received_at for row in rows}
    return [times.get(ordinal) for ordinal in ordinals]


def tallied(connection: Connection) -> dict[SeriesKey, dict[str, list[OrdinalRange]]]:
    """The tallied ordinals of each series by fate."""
    result: dict[SeriesKey, dict[str, list[OrdinalRange]]] = defaultdict(lambda: defaultdict(list))
    c = tallies.c
    for row in connection.execute(select(c.ledger, c.queue, c.fate, c.first_ordinal, c.last_ordinal)):
        result[row.ledger, row.queue][row.fate].append((row.first_ordinal, row.last_ordinal))
    return {
        series: {fate: merge_ranges(entries) for fate, entries in fates.items()} for series, fates in result.items()
    }


def removed_until(connection: Connection) -> datetime | None:
    """When the latest of the deliveries that retention removed was received; None if it removed none.

    The end of time if a time of receipt is unknown: any missing delivery may then have been removed.
    """
    latest, total, known = connection.execute(
        select(func.max(tallies.c.received_at), func.count(), func.count(tallies.c.received_at)).where(
            tallies.c.fate == "removed"
        )
    ).one()
    return latest if total == known else datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """The last ordinal seen of a life and queue, and when; `closed` once an operator acknowledged the life's end."""

    last_ordinal: int = 0
    seen_at: datetime | None = None
    closed: bool = False


def marks(connection: Connection) -> dict[SeriesKey, Mark]:
    """The marks of every life and queue."""
    c = ledger_marks.c
    rows = connection.execute(select(c.ledger, c.queue, c.last_ordinal, c.seen_at, c.closed_at))
    return {
        (row.ledger, row.queue): Mark(row.last_ordinal or 0, row.seen_at, row.closed_at is not None) for row in rows
    }


def repeats(connection: Connection) -> dict[str, int]:
    """The number of deliveries of each queue that repeat another one."""
    c = deliveries.c
    query = select(c.queue, func.count(c.digest) - func.count(distinct(c.digest))).group_by(c.queue)
    return {queue or "": count for queue, count in connection.execute(query)}


def unnumbered(connection: Connection) -> int:
    """The number of open dead letters without an ordinal: entries of the ledger that were no batch."""
    c = deliveries.c
    return connection.execute(select(func.count()).where(c.ordinal.is_(None), c.outcome == "dead")).scalar_one()


def present(connection: Connection, ids: Sequence[str]) -> set[str]:
    """The ids of these deliveries that have a row."""
    return set(connection.execute(select(deliveries.c.id).where(deliveries.c.id.in_(ids))).scalars())


TallyKind = Literal["removed", "lost", "doubled"]
"""removed: by retention; lost, doubled: acknowledged by an operator."""


def tally(
    connection: Connection,
    series: SeriesKey,
    ordinals: Iterable[OrdinalRange],
    fate: TallyKind,
    received_at: datetime | None = None,
) -> None:
    """Record the fate of these ordinals, in the transaction that causes it. Idempotent.

    `received_at` is the latest time of receipt among them; None if unknown. Adjacent ranges become one: what retention
    removes from the beginning of a series on stays one row.
    """
    added = merge_ranges(ordinals)
    if not added:
        return
    _lock(connection)
    life, queue = series
    c = tallies.c
    adjacent = and_(
        c.ledger == life,
        c.queue == queue,
        c.fate == fate,
        c.first_ordinal <= added[-1][1] + 1,
        c.last_ordinal >= added[0][0] - 1,
    )
    stored = connection.execute(select(c.first_ordinal, c.last_ordinal, c.received_at).where(adjacent)).all()
    known = [(row.first_ordinal, row.last_ordinal) for row in stored]
    joined = merge_ranges([*known, *added])
    if joined == sorted(known):
        return
    # One time for the whole run suffices: `removed_until` asks for the latest.
    times = [received_at, *(row.received_at for row in stored)]
    latest = max((at for at in times if at is not None), default=None) if None not in times else None
    now = datetime.now(UTC)
    connection.execute(delete(tallies).where(adjacent))
    connection.execute(
        insert(tallies),
        [
            {
                "ledger": life,
                "queue": queue,
                "fate": fate,
                "first_ordinal": first,
                "last_ordinal": last,
                "received_at": latest,
                "tallied_at": now,
            }
            for first, last in joined
        ],
    )


def _lock(connection: Connection) -> None:
    """Serialise the merging of ranges; readers continue. SQLite has a single writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {SCHEMA}.{tallies.name} IN SHARE ROW EXCLUSIVE MODE"))

"""Ordinals: which of them have rows, as the audit asks, and which are tallied as gone or doubled.

Each question is one pass over an index or a table.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, Engine, and_, case, delete, distinct, false, func, insert, literal, or_, select, text

from seven.ranges import Run, runs
from store.schema import SCHEMA, deliveries, ledger_marks, link_events, links, tallies
from store.timeouts import lift_bounds

SNAPSHOT_S = 3600  # for a pass over many millions of rows; for ever would be too long for a server that hangs

Place = tuple[str, str]
"""A life of the ledger, and a queue."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the rows of one life and queue say."""

    outcomes: Mapping[str, int]
    """Rows by outcome."""
    later: int
    """Rows beyond the ordinals that the audit asks about: they came while it was looking."""
    last_ordinal: int
    last_received_at: datetime | None


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection whose every query sees the same moment, and may take its time."""
    with engine.connect().execution_options(reads=True, snapshot=True) as connection:
        if engine.dialect.name == "postgresql":
            # before the moment is fixed: a partition dropped after it would be missing from it, and so would its tally
            connection.execute(text(f"LOCK TABLE {SCHEMA}.{deliveries.name} IN ACCESS SHARE MODE"))
            lift_bounds(connection, SNAPSHOT_S)
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))  # it may take its time, and not others' wait
        yield connection


def rows(connection: Connection, life: str | None, marks: Mapping[str, int]) -> dict[Place, Rows]:
    """The rows of every life and queue; of the given life those up to the marks apart from later ones."""
    c = deliveries.c
    beyond = [and_(c.ledger == life, c.queue == queue, c.ordinal > mark) for queue, mark in marks.items()]
    later = case((or_(false(), *beyond), literal(1)), else_=literal(0)).label("later")
    query = select(
        c.ledger, c.queue, c.outcome, later, func.count().label("n"), func.max(c.ordinal), func.max(c.received_at)
    ).where(c.ordinal.is_not(None))
    outcomes: dict[Place, Counter[str]] = defaultdict(Counter)
    beyond_marks: Counter[Place] = Counter()
    last: dict[Place, tuple[int, datetime | None]] = {}
    for ledger, queue, outcome, is_later, n, ordinal, at in connection.execute(
        query.group_by(c.ledger, c.queue, c.outcome, later)
    ):
        place = (ledger or "", queue or "")
        if is_later:
            beyond_marks[place] += n
        else:
            outcomes[place][outcome or ""] += n
        last[place] = max(last.get(place, (0, at)), (ordinal, at), key=lambda one: one[0])
    return {place: Rows(outcomes[place], beyond_marks[place], *last[place]) for place in last}


def breaks(connection: Connection) -> dict[Place, tuple[list[Run], Counter[int]]]:
    """Where each series of ordinals is not dense: the runs that are missing before its last, and surplus rows."""
    c = deliveries.c
    previous = func.lag(c.ordinal, 1, 0).over(partition_by=(c.ledger, c.queue), order_by=c.ordinal).label("previous")
    series = select(c.ledger, c.queue, c.ordinal, previous).where(c.ordinal.is_not(None)).subquery()
    odd = select(series).where(series.c.ordinal != series.c.previous + 1)
    found: dict[Place, tuple[list[Run], Counter[int]]] = defaultdict(lambda: ([], Counter()))
    for ledger, queue, ordinal, before in connection.execute(odd):
        missing, doubled = found[ledger or "", queue or ""]
        if ordinal == before:
            doubled[ordinal] += 1
        else:
            missing.append((before + 1, ordinal - 1))
    return found


def received_at(connection: Connection, place: Place, ordinals: Sequence[int]) -> list[datetime | None]:
    """When these deliveries were received; None for one that has no row."""
    c = deliveries.c
    wanted = and_(c.ledger == place[0], c.queue == place[1], c.ordinal.in_(ordinals))
    known = {row.ordinal: row.received_at for row in connection.execute(select(c.ordinal, c.received_at).where(wanted))}
    return [known.get(ordinal) for ordinal in ordinals]


def tallied(connection: Connection) -> dict[Place, dict[str, list[Run]]]:
    """The ordinals whose rows are known to be gone, by what became of them."""
    found: dict[Place, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    c = tallies.c
    for row in connection.execute(select(c.ledger, c.queue, c.fate, c.first_ordinal, c.last_ordinal)):
        found[row.ledger, row.queue][row.fate].append((row.first_ordinal, row.last_ordinal))
    return {place: {fate: runs(some) for fate, some in fates.items()} for place, fates in found.items()}


def removed_until(connection: Connection) -> datetime | None:
    """When the latest of the deliveries was received that have been removed for their age; None when none was.

    Where that is not known of some, any of those that are missing may have been there: the end of time.
    """
    latest, number, known = connection.execute(
        select(func.max(tallies.c.received_at), func.count(), func.count(tallies.c.received_at)).where(
            tallies.c.fate == "removed"
        )
    ).one()
    return latest if number == known else datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a life was seen to have numbered a queue, and when; `closed` once an operator knows that it has ended."""

    last_ordinal: int = 0
    seen_at: datetime | None = None
    closed: bool = False


def marks(connection: Connection) -> dict[Place, Mark]:
    """The marks of every life and queue."""
    c = ledger_marks.c
    found = connection.execute(select(c.ledger, c.queue, c.last_ordinal, c.seen_at, c.closed_at))
    return {
        (row.ledger, row.queue): Mark(row.last_ordinal or 0, row.seen_at, row.closed_at is not None) for row in found
    }


def repeats(connection: Connection) -> dict[str, int]:
    """How many deliveries of each queue said what another had said."""
    c = deliveries.c
    query = select(c.queue, func.count(c.digest) - func.count(distinct(c.digest))).group_by(c.queue)
    return {queue or "": n for queue, n in connection.execute(query)}


def unnumbered(connection: Connection) -> int:
    """Dead letters without an ordinal: something lay in the ledger that was no batch, and nobody has dealt with it."""
    c = deliveries.c
    return connection.execute(select(func.count()).where(c.ordinal.is_(None), c.outcome == "dead")).scalar_one()


def present(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these deliveries have a row."""
    return set(connection.execute(select(deliveries.c.id).where(deliveries.c.id.in_(ids))).scalars())


def link_gaps(connection: Connection) -> dict[str, tuple[int, int]]:
    """By kind, the links some of whose clicks or views were never told to us, and how many those are.

    Retention removes the oldest ones first. Of a link that is older than whatever is left, only those count that lack
    between the first that is left and the last.
    """
    c = link_events.c
    whole = links.c.first_at >= select(func.min(c.at)).scalar_subquery()
    before = case((whole, literal(0)), else_=func.min(c.nth) - 1)
    untold = (func.max(c.nth) - func.count() - before).label("untold")
    told = (
        select(c.type, untold)
        .outerjoin(links, and_(links.c.sms_id == c.sms_id, links.c.tracking_url == c.tracking_url))
        .group_by(c.sms_id, c.tracking_url, c.type, links.c.first_at)
        .subquery()
    )
    some = select(told).where(told.c.untold > 0).subquery()
    query = select(some.c.type, func.count(), func.sum(some.c.untold)).group_by(some.c.type)
    return {kind: (number, int(untold)) for kind, number, untold in connection.execute(query)}


Fate = Literal["removed", "lost", "doubled"]
"""removed: by retention; lost, doubled: an operator has taken note of it."""


def tally(
    connection: Connection, place: Place, some: Iterable[Run], fate: Fate, received_at: datetime | None = None
) -> None:
    """Keep what became of these ordinals, in the transaction that has it become so; told again it changes nothing.

    `received_at` is the latest receipt among them; None where nobody knows it. Runs that touch become one: what
    retention removes from the beginning of a series on is one row, however long it goes on.
    """
    told = runs(some)
    if not told:
        return
    _lock(connection)
    life, queue = place
    c = tallies.c
    beside = and_(
        c.ledger == life,
        c.queue == queue,
        c.fate == fate,
        c.first_ordinal <= told[-1][1] + 1,
        c.last_ordinal >= told[0][0] - 1,
    )
    kept = connection.execute(select(c.first_ordinal, c.last_ordinal, c.received_at).where(beside)).all()
    known = [(row.first_ordinal, row.last_ordinal) for row in kept]
    joined = runs([*known, *told])
    if joined == sorted(known):
        return
    # One time for all that lie here together: what is asked is until when rows were removed, and that is the latest.
    times = [received_at, *(row.received_at for row in kept)]
    latest = max((at for at in times if at is not None), default=None) if None not in times else None
    now = datetime.now(UTC)
    connection.execute(delete(tallies).where(beside))
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
    """One at a time joins runs; reading goes on. SQLite lets one write at a time anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {SCHEMA}.{tallies.name} IN SHARE ROW EXCLUSIVE MODE"))

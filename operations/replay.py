"""Replaying: deliveries that were not applied are understood anew, or discarded, some of them in one transaction.

What is written joins what is kept, so it may be done again, beside workers and beside another replay; killed between
two transactions it has done a part, and the same again does the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete

from operations.dead_letters import failures, unapplied
from operations.reprocess import DISCARDED, Reread, reason_of, reread
from seven.records import ArchivedDelivery, DeadLetter, Record, fold
from store.errors import is_refusal
from store.record_rows import changes
from store.row_writer import Store, cause, join
from store.schema import dead_letter_failures, dead_letters, deliveries


class Verdict(NamedTuple):
    """What a delivery was, and what becomes of it: `applied`, `parked`, `dead`, or `left`, and why."""

    outcome: str
    event_type: str | None
    becomes: str
    reason: str | None


@dataclass(slots=True)
class Replayed:
    """What became of deliveries, or would become, counted."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    """Outcomes of the deliveries in batches that could not be read before."""

    def add(self, some: Iterable[Reread]) -> None:
        """Count some more."""
        for one in some:
            was, now = one.unapplied.delivery, one.understood[0].delivery if one.understood else one.unapplied.delivery
            self.verdicts[Verdict(was.outcome or "", now.event_type, one.outcome, one.reason)] += 1
            self.inside.update(told.delivery.outcome or "" for told in one.understood[1:])

    def count(self, becomes: str) -> int:
        """How many of those that were replayed became this."""
        return sum(number for verdict, number in self.verdicts.items() if verdict.becomes == becomes)

    @property
    def failed(self) -> int:
        """How many are dead now, whatever they were before."""
        return self.count("dead") + self.inside["dead"]


class Plan:
    """What replaying would do: what would become of the deliveries, and which rows would differ."""

    def __init__(self, engine: Engine, risk: bool = False) -> None:
        self._engine, self._risk = engine, risk
        self.replayed = Replayed()
        self._places: dict[tuple[str, str], set[tuple[object, ...]]] = defaultdict(set)

    def look(self, ids: Sequence[str]) -> None:
        """Take some more deliveries into the plan. Raises SQLAlchemyError when the database is away."""
        with self._engine.connect().execution_options(reads=True) as connection:
            some = [reread(one, self._risk) for one in unapplied(connection, ids)]
            for change in changes(connection, (row for one in some for row in one.rows)):
                self._places[change.table, "new" if change.before is None else "changed"].add(change.key)
        for one in some:
            if one.id != one.unapplied.delivery.id:
                self._places[ArchivedDelivery.table, "gone"].add((one.unapplied.delivery.id,))
        self.replayed.add(some)

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """By table, how many rows would be new, changed, or gone, their makeshift id with them."""
        tables = sorted({table for table, _ in self._places})
        return {
            table: {what: len(self._places.get((table, what), ())) for what in ("new", "changed", "gone")}
            for table in tables
        }


def replay(store: Store, ids: Sequence[str], risk: bool = False) -> list[Reread]:
    """Understand deliveries anew and write what becomes of them, in one transaction; returns that.

    What the database refuses is buried alone. Raises StoreAway; then nothing of it was done.
    """
    done: list[Reread] = []

    def attempt(connection: Connection) -> None:
        some = [reread(one, risk) for one in unapplied(connection, ids, lock=True)]
        for one in some:
            if one.outgrown:
                _make_way(connection, one)
        done[:] = _written(connection, some)

    store.transact(attempt)
    return done


def discard(store: Store, ids: Sequence[str]) -> int:
    """Have deliveries count as seen and not wanted, in one transaction; returns how many. Raises StoreAway.

    No row goes: the ordinal stays counted, and a replay can still apply it.
    """
    done: list[str] = []

    def attempt(connection: Connection) -> None:
        now = datetime.now(UTC)
        some = [one for one in unapplied(connection, ids, lock=True) if one.delivery.outcome != "discarded"]
        told: list[Record] = []
        for one in some:
            reason = DISCARDED + reason_of(one)
            told.append(ArchivedDelivery(id=one.delivery.id, outcome="discarded", reason=reason))
            if one.letter:
                told.append(DeadLetter(id=one.delivery.id, discarded_at=now))
        join(connection, fold(told))
        done[:] = [one.delivery.id for one in some]

    store.transact(attempt)
    return len(done)


def _make_way(connection: Connection, one: Reread) -> None:
    """Remove a row that another is about to replace; a letter under a makeshift id goes over to the real one."""
    was = one.unapplied.delivery.id
    connection.execute(delete(deliveries).where(deliveries.c.id == was))
    if one.id == was:
        return
    told: list[Record] = [replace(failure, id=one.id) for failure in failures(connection, [was])]
    if one.unapplied.letter:
        told.append(replace(one.unapplied.letter, id=one.id))
    for table in (dead_letters, dead_letter_failures):
        connection.execute(delete(table).where(table.c.id == was))
    join(connection, fold(told))


def _written(connection: Connection, some: Sequence[Reread]) -> list[Reread]:
    """Join all rows together, in the order in which everybody writes; where the database refuses some, one by one."""
    try:
        with connection.begin_nested():
            join(connection, fold(row for one in some for row in one.rows))
    except Exception as error:
        if not is_refusal(error):
            raise
        return [_written_apart(connection, one) for one in some]
    return list(some)


def _written_apart(connection: Connection, one: Reread) -> Reread:
    for which in range(len(one.understood)):
        try:
            with connection.begin_nested():
                join(connection, fold(one.understood[which].rows()))
        except Exception as error:
            if not is_refusal(error):
                raise
            one = one.refused(which, cause(error))
            join(connection, fold(one.understood[which].rows()))
    join(connection, one.marks)
    return one

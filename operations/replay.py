"""Replay: project deliveries that were not applied again, or discard them, a few in each transaction.

Every write is a join with what is stored, so a replay may be repeated and may run beside workers and other replays.
Killed between two transactions it is partly done, and repeating it does the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, update

from operations.dead_letters import read_failures, read_unapplied
from operations.reprocess import DISCARDED, Reprocessed, latest_reason, reprocess
from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.record import Record, fold
from store import inbound_ids
from store.changes import Demand
from store.errors import OTHERS_ID
from store.forgotten import NO_REGISTER, ForgottenRegister
from store.personal_columns import LABELS
from store.projection_options import DEFAULT_OPTIONS, ProjectionOptions
from store.record_rows import RowDifference, row_differences
from store.row_writer import Store, fold_rows, merge_rows, unwritable_reason
from store.schema import dead_letter_failures, dead_letters, deliveries

_PERSONAL = ("payload", "digest", "subject", "envelope")


class ReplayResult(NamedTuple):
    """A delivery's stored outcome and what becomes of it, `applied`, `parked`, `dead` or `left`, and why."""

    outcome: str
    event_type: str | None
    becomes: str
    reason: str | None


@dataclass(slots=True)
class ReplaySummary:
    """Counts what became of deliveries, or would become."""

    results: Counter[ReplayResult] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    """Outcomes of the deliveries in batches that could not be read before."""

    def add(self, replayed: Iterable[Reprocessed]) -> None:
        """Count these deliveries, too."""
        for reprocessed in replayed:
            before, projections = reprocessed.unapplied.delivery, reprocessed.projections
            event_type = (projections[0].delivery if projections else before).event_type
            self.results[ReplayResult(before.outcome or "", event_type, reprocessed.outcome, reprocessed.reason)] += 1
            self.inside.update(projection.delivery.outcome or "" for projection in projections[1:])

    def count(self, becomes: str) -> int:
        """How many of the replayed deliveries became this."""
        return sum(number for result, number in self.results.items() if result.becomes == becomes)

    @property
    def failed(self) -> int:
        """How many are dead now, whatever they were before."""
        return self.count("dead") + self.inside["dead"]


class ReplayPlan:
    """What a replay would do: what would become of the deliveries, and which rows would differ."""

    def __init__(
        self,
        engine: Engine,
        force: bool = False,
        options: ProjectionOptions = DEFAULT_OPTIONS,
        register: ForgottenRegister = NO_REGISTER,
    ) -> None:
        self._engine, self._force, self._options, self._register = engine, force, options, register
        self.replayed = ReplaySummary()
        self._keys: dict[tuple[str, str], set[tuple[object, ...]]] = defaultdict(set)

    def add(self, ids: Sequence[str]) -> None:
        """Add these deliveries to the plan. Raises SQLAlchemyError when the database is away."""
        with self._engine.connect().execution_options(reads=True) as connection:
            options = self._options.with_forgotten(self._register.read(connection))
            batch = [reprocess(each, self._force, options) for each in read_unapplied(connection, ids)]
            batch, changed = _differences(connection, _without_taken_ids(connection, batch))
            for change in changed:
                self._keys[change.table, "new" if change.before is None else "changed"].add(change.key)
        for reprocessed in batch:
            if reprocessed.id != reprocessed.unapplied.delivery.id:
                self._keys[ArchivedDelivery.table, "gone"].add((reprocessed.unapplied.delivery.id,))
        self.replayed.add(batch)

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """By table, the number of rows that would be new, changed, or gone; gone are rows with a makeshift id."""
        tables = sorted({table for table, _ in self._keys})
        return {
            table: {kind: len(self._keys.get((table, kind), ())) for kind in ("new", "changed", "gone")}
            for table in tables
        }


def replay(
    store: Store,
    ids: Sequence[str],
    force: bool = False,
    options: ProjectionOptions = DEFAULT_OPTIONS,
    *,
    notify: bool = False,
) -> list[Reprocessed]:
    """Reprocess deliveries and write the results in one transaction; return them.

    A delivery whose rows cannot be written is buried alone. What changes is noted for those who subscribe to it; with
    `notify` they are sent also what is older than they want. Raises StoreAway; then nothing was written.
    """
    demand = Demand(store.demanded_topics(), any_age=notify or None)

    def attempt(connection: Connection) -> list[Reprocessed]:
        knowing = options.with_forgotten(store.register.read(connection))
        batch = [reprocess(each, force, knowing) for each in read_unapplied(connection, ids, lock=True)]
        for reprocessed in batch:
            if reprocessed.replaces_row:
                _delete_stored(connection, reprocessed)
            if reprocessed.blanks_row:
                _blank_stored(connection, reprocessed)
        return _write(connection, batch, demand)

    return store.transact(attempt)


def discard(store: Store, ids: Sequence[str]) -> int:
    """Mark deliveries as seen and not wanted, in one transaction; return how many. Raises StoreAway.

    No row is deleted: the ordinal stays counted, and a replay can still apply the delivery.
    """

    def attempt(connection: Connection) -> int:
        now, number = datetime.now(UTC), 0
        rows: list[Record] = []
        for unapplied in read_unapplied(connection, ids, lock=True):
            id_ = unapplied.delivery.id
            if unapplied.delivery.outcome == "discarded":
                continue
            reason = DISCARDED + latest_reason(unapplied)
            rows.append(ArchivedDelivery(id=id_, outcome="discarded", reason=reason))
            if unapplied.letter:
                rows.append(DeadLetter(id=id_, discarded_at=now))
            number += 1
        merge_rows(connection, fold(rows))
        return number

    return store.transact(attempt)


def _delete_stored(connection: Connection, reprocessed: Reprocessed) -> None:
    """Delete the row that another replaces; move a dead letter from a makeshift id to the real one, or mask it."""
    stored, id_ = reprocessed.unapplied, reprocessed.id
    connection.execute(delete(deliveries).where(deliveries.c.id == stored.delivery.id))
    if id_ == stored.delivery.id:
        if stored.letter and reprocessed.masks:
            letter = update(dead_letters).where(dead_letters.c.id == id_)
            connection.execute(letter.values(envelope=reprocessed.projections[0].envelope))
        return
    rows: list[Record] = [replace(failure, id=id_) for failure in read_failures(connection, [stored.delivery.id])]
    if stored.letter:
        rows.append(replace(stored.letter, id=id_))
    for table in (dead_letters, dead_letter_failures):
        connection.execute(delete(table).where(table.c.id == stored.delivery.id))
    merge_rows(connection, fold(rows))


def _blank_stored(connection: Connection, reprocessed: Reprocessed) -> None:
    """Blank what the delivery's row and its dead letter have, and its projection has no more."""
    projected = reprocessed.projections[0].delivery
    for table in (deliveries, dead_letters):
        names = [name for name in (*_PERSONAL, *LABELS) if name in table.c and getattr(projected, name, None) is None]
        connection.execute(update(table).where(table.c.id == reprocessed.id).values(dict.fromkeys(names)))


def _differences(connection: Connection, batch: list[Reprocessed]) -> tuple[list[Reprocessed], list[RowDifference]]:
    """What becomes of deliveries, and the rows that would differ; those whose rows cannot be merged would be dead."""
    try:
        return batch, row_differences(connection, (row for reprocessed in batch for row in reprocessed.rows))
    except Exception as error:
        if unwritable_reason(error) is None:
            raise
    apart = [_differences_apart(connection, reprocessed) for reprocessed in batch]
    return [reprocessed for reprocessed, _ in apart], [change for _, group in apart for change in group]


def _differences_apart(connection: Connection, reprocessed: Reprocessed) -> tuple[Reprocessed, list[RowDifference]]:
    changed: list[RowDifference] = []
    for index in range(len(reprocessed.projections)):
        try:
            changed += row_differences(connection, reprocessed.projections[index].rows())
        except Exception as error:
            reason = unwritable_reason(error)
            if reason is None:
                raise
            reprocessed = reprocessed.with_refused(index, reason)
            changed += row_differences(connection, reprocessed.projections[index].rows())
    return reprocessed, [*changed, *row_differences(connection, reprocessed.letter_updates)]


def _write(connection: Connection, batch: Sequence[Reprocessed], demand: Demand) -> list[Reprocessed]:
    """Merge all rows at once, in the order that all writers use; if any cannot be written, one by one."""
    inbound_ids.lock(connection, (row for reprocessed in batch for row in reprocessed.rows))
    batch = _without_taken_ids(connection, batch)
    try:
        with connection.begin_nested():
            merge_rows(connection, fold(row for reprocessed in batch for row in reprocessed.rows), demand)
    except Exception as error:
        if unwritable_reason(error) is None:
            raise
        return [_write_alone(connection, reprocessed, demand) for reprocessed in batch]
    return list(batch)


def _without_taken_ids(connection: Connection, batch: Sequence[Reprocessed]) -> list[Reprocessed]:
    """The deliveries; those whose message has the id of another one are refused."""
    places = [(place, index) for place, each in enumerate(batch) for index in range(len(each.projections))]
    checked = list(batch)
    for group in inbound_ids.taken(connection, (batch[place].projections[index].rows() for place, index in places)):
        place, index = places[group]
        checked[place] = checked[place].with_refused(index, OTHERS_ID)
    return checked


def _write_alone(connection: Connection, reprocessed: Reprocessed, demand: Demand) -> Reprocessed:
    for index in range(len(reprocessed.projections)):
        try:
            with connection.begin_nested():
                merge_rows(connection, fold_rows(reprocessed.projections[index].rows()), demand)
        except Exception as error:
            reason = unwritable_reason(error)
            if reason is None:
                raise
            reprocessed = reprocessed.with_refused(index, reason)
            merge_rows(connection, fold(reprocessed.projections[index].rows()), demand)
    merge_rows(connection, reprocessed.letter_updates)
    return reprocessed

"""Refold: what the rows of subjects should be, by all their archived deliveries and today's code."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from seven.aggregates import Aggregate
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope
from seven.forgotten_numbers import ForgottenNumbers
from seven.histories import is_undated, keep_earliest
from seven.joins import Join
from seven.record import JOINS, Record
from seven.timestamps import AHEAD
from store.archive import Moved, archived
from store.ordinals import removed_until
from store.projection import project_envelope
from store.projection_options import NO_OPTIONS, ProjectionOptions
from store.record_rows import RowDifference, RowKey, compare, merge_with_stored, records_of_subjects, row_key


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a rebuild does only if the operator asks for it."""

    merge: bool = False
    """Join the archived deliveries of a cut subject into its rows."""
    drop_parked: bool = False
    """Applied deliveries that today's code parks count no more: what only they contributed is removed."""


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class LeftSubject:
    """Why the rows of a subject are not replaced. `cut`: its archive is incomplete, so its rows may know more."""

    subject: str
    reason: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Refolded:
    """What to change about some subjects, and what to leave."""

    changes: list[RowDifference] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    """Deliveries whose subject, time or remark differs today."""
    left: list[LeftSubject] = field(default_factory=list)
    merged: list[LeftSubject] = field(default_factory=list)
    """Cut subjects whose archived deliveries are joined into their rows."""
    dropped: list[str] = field(default_factory=list)
    """Ids of applied deliveries that today's code parks and that `drop_parked` leaves out."""


def refold(
    connection: Connection,
    aggregate: Aggregate,
    subjects: Iterable[str],
    overrides: Overrides = NO_OVERRIDES,
    forgotten: ForgottenNumbers | None = None,
) -> Refolded:
    """Compare the rows of these subjects, and of all that their deliveries belong to today, with their archive.

    Writes nothing.
    """
    fold = _Fold(aggregate, overrides.drop_parked, NO_OPTIONS.with_forgotten(forgotten))
    to_read, known = set(subjects), set[str]()
    while to_read:
        known |= to_read
        with closing(archived(connection, aggregate, to_read)) as rows:
            for row in rows:
                fold.add(row)
        to_read = fold.subjects - known
    before = records_of_subjects(connection, aggregate, known)
    folded = {row_key(record): record for record in keep_earliest(fold.records.values())}
    left = fold.left | _cut(connection, aggregate, before, folded)  # last: misses no removal
    left = _spread(left, fold.ties)

    def is_replaced(record: Record) -> bool:
        return aggregate.subject(record) not in left

    changes = compare(
        {key: record for key, record in before.items() if is_replaced(record)},
        {key: record for key, record in folded.items() if is_replaced(record)},
    )
    merged = {subject: reason for subject, reason in left.items() if overrides.merge and reason.cut}
    additions = {key: record for key, record in folded.items() if aggregate.subject(record) in merged}
    stored = {
        key: record
        for key, record in before.items()
        if aggregate.subject(record) in merged and (key in additions or is_undated(record))
    }
    changes += compare(stored, merge_with_stored(stored, additions))
    return Refolded(
        sorted(changes, key=lambda change: (change.table, change.key)),
        [moved for stored, moved in fold.moved if stored not in left],
        [reason for subject, reason in sorted(left.items()) if subject not in merged],
        [reason for _, reason in sorted(merged.items())],
        [id_ for stored, id_ in fold.dropped if stored not in left],
    )


class _Fold:
    """Folds the records of deliveries, projected by today's code; deliveries are added one by one."""

    def __init__(self, aggregate: Aggregate, drop_parked: bool, options: ProjectionOptions) -> None:
        self._aggregate, self._drop_parked, self._options = aggregate, drop_parked, options
        self.records: dict[RowKey, Record] = {}
        self.ties: set[tuple[str, str]] = set()
        """Of each delivery its stored and its present subject; usually they are equal."""
        self.moved: list[tuple[str, Moved]] = []
        self.left: dict[str, LeftSubject] = {}
        self.dropped: list[tuple[str, str]] = []

    @property
    def subjects(self) -> set[str]:
        """Every stored and present subject of the deliveries."""
        return {subject for tie in self.ties for subject in tie}

    def add(self, row: ArchivedDelivery) -> None:
        """Fold one more delivery."""
        stored = row.subject or ""
        try:
            envelope, until = Envelope.archived(row), _last_read(row)
            projection = project_envelope(row, envelope, "", reference_at=until, options=self._options)
        except UnreadableEnvelope:
            self.left[stored] = LeftSubject(stored, "the payload of a delivery is not kept any more", cut=True)
            return
        delivery = projection.delivery
        if delivery.outcome == "parked" and self._drop_parked:
            self.dropped.append((stored, row.id))
        elif delivery.outcome == "parked":  # a field that is read more strictly today is no reason to remove anything
            self._leave(stored, f"a delivery is not understood today: {delivery.reason}")
        elif delivery.outcome != "applied":  # nor is a fault of ours
            self._leave(stored, f"a delivery {delivery.reason}")
        elif {self._aggregate.subject(record) for record in projection.records} - {delivery.subject}:
            self._leave(stored, "a delivery has records of another subject")
        else:
            self.ties.add((stored, delivery.subject or ""))
            today = (delivery.subject, delivery.event_at, delivery.remark)
            if today != (row.subject, row.event_at, row.remark):
                self.moved.append((stored, (row.id, *today)))
            for record in projection.records:
                earlier = self.records.get(row_key(record))
                self.records[row_key(record)] = earlier.merge(record) if earlier else record

    def _leave(self, subject: str, reason: str) -> None:
        self.left.setdefault(subject, LeftSubject(subject, reason))


def _last_read(row: ArchivedDelivery) -> datetime:
    """Now, or when it was applied if that is later: a time plausible then stays so, whatever this machine's clock.

    One that was too far ahead then stays so by the row's remark.
    """
    now = datetime.now(UTC)
    return max(now, row.applied_at or now)


def _cut(
    connection: Connection, aggregate: Aggregate, before: dict[RowKey, Record], folded: dict[RowKey, Record]
) -> dict[str, LeftSubject]:
    """Subjects that may have had a delivery among those that retention removed.

    An event is at most `AHEAD` later than its receipt, so every delivery of a later event is still archived.
    """
    until = removed_until(connection)
    if until is None:
        return {}
    began: dict[str, datetime | None] = {}
    for record in [*before.values(), *folded.values()]:
        subject = aggregate.subject(record) or ""
        times = [getattr(record, name) for name in JOINS[type(record)].names(Join.EARLIEST)]
        began[subject] = min((at for at in (began.get(subject), *times) if at is not None), default=None)
    return {
        subject: LeftSubject(subject, "deliveries of its time have been removed", cut=True)
        for subject, at in began.items()
        if at is None or at - until <= AHEAD
    }


def _spread(left: dict[str, LeftSubject], ties: set[tuple[str, str]]) -> dict[str, LeftSubject]:
    """Leave also the subjects that share a delivery with a left one: it would be missing here or be counted twice."""
    spread = dict(left)
    moves = [tie for tie in ties if tie[0] != tie[1]]
    while boundary := [tie for tie in moves if (tie[0] in spread) != (tie[1] in spread)]:
        for first, second in boundary:
            known, tied = (first, second) if first in spread else (second, first)
            spread.setdefault(tied, LeftSubject(tied, f"tied to {known}: {spread[known].reason}", spread[known].cut))
    return spread

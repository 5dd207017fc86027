"""Refolding: what the rows of some subjects are to be, by all their archived deliveries and today's code."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from seven.aggregates import Aggregate
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope
from seven.joins import Join
from seven.records import SHAPES, ArchivedDelivery, Record
from seven.timestamps import AHEAD
from store.archive import Moved, archived
from store.ordinals import removed_until
from store.projection import project_envelope
from store.record_rows import Change, Place, compared, joined, kept_of, place


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be done that only a person can answer for."""

    merge: bool = False
    """What is archived of a cut subject is joined into its rows."""
    drop_parked: bool = False
    """Deliveries that were applied and that today's code parks count no more: what only they told goes."""


NOTHING_MORE = Allowed()


@dataclass(frozen=True, slots=True)
class Left:
    """Why the rows of a subject are not replaced. `cut`: its archive is not whole any more; they may know more."""

    subject: str
    reason: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Refolded:
    """What is to be done about some subjects, and what was found on the way."""

    changes: list[Change] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    """Deliveries that speak of another subject, or another time, than they did."""
    left: list[Left] = field(default_factory=list)
    merged: list[Left] = field(default_factory=list)
    """Left, but what is archived of them is joined into their rows."""
    dropped: list[str] = field(default_factory=list)
    """Deliveries that were applied and are not understood today: as it was allowed, they count no more."""


def refold(
    connection: Connection, family: Aggregate, subjects: Iterable[str], allowed: Allowed = NOTHING_MORE
) -> Refolded:
    """Compare what is kept of these subjects, and of those that their deliveries speak of today, with their archive.

    Nothing is written.
    """
    told = _Told(family, allowed.drop_parked)
    open_, known = set(subjects), set[str]()
    while open_:
        known |= open_
        for row in archived(connection, family.event_types, open_):
            told.add(row)
        open_ = told.subjects - known
    before = kept_of(connection, family, known)
    left = told.left | _cut(connection, family, before, told.folded)  # read after the deliveries: none goes unnoticed
    left = _spread(left, told.ties)

    def stands(record: Record) -> bool:
        return family.subject(record) not in left

    changes = compared(
        {where: record for where, record in before.items() if stands(record)},
        {where: record for where, record in told.folded.items() if stands(record)},
    )
    merged = {subject: one for subject, one in left.items() if allowed.merge and one.cut}
    more = {where: record for where, record in told.folded.items() if family.subject(record) in merged}
    changes += compared({where: before[where] for where in more if where in before}, joined(before, more))
    return Refolded(
        sorted(changes, key=lambda change: (change.table, change.key)),
        [moved for stored, moved in told.moved if stored not in left],
        [one for subject, one in sorted(left.items()) if subject not in merged],
        [one for _, one in sorted(merged.items())],
        [one for stored, one in told.dropped if stored not in left],
    )


class _Told:
    """What deliveries tell today, one by one."""

    def __init__(self, family: Aggregate, drop_parked: bool) -> None:
        self._family, self._drop_parked = family, drop_parked
        self.folded: dict[Place, Record] = {}
        self.ties: set[tuple[str, str]] = set()
        """Of each delivery the subject that is kept and today's; mostly one and the same."""
        self.moved: list[tuple[str, Moved]] = []
        self.left: dict[str, Left] = {}
        self.dropped: list[tuple[str, str]] = []

    @property
    def subjects(self) -> set[str]:
        """Whatever they spoke of, or speak of."""
        return {subject for tie in self.ties for subject in tie}

    def add(self, row: ArchivedDelivery) -> None:
        """Have one more delivery tell."""
        stored = row.subject or ""
        try:
            understood = project_envelope(row, Envelope.archived(row), "", judged_at=_last_read(row))
        except UnreadableEnvelope:
            self.left[stored] = Left(stored, "the payload of a delivery is not kept any more", cut=True)
            return
        now = understood.delivery
        if now.outcome == "parked" and self._drop_parked:
            self.dropped.append((stored, row.id))
        elif now.outcome == "parked":  # a field that is read more strictly today is no reason to remove anything
            self.left.setdefault(stored, Left(stored, f"a delivery is not understood today: {now.reason}"))
        elif now.outcome != "applied":  # nor is a fault of ours
            self.left.setdefault(stored, Left(stored, f"a delivery {now.reason}"))
        elif {self._family.subject(record) for record in understood.records} - {now.subject}:
            self.left.setdefault(stored, Left(stored, "a delivery tells of something else than its subject"))
        else:
            self.ties.add((stored, now.subject or ""))
            if (now.subject, now.event_at) != (row.subject, row.event_at):
                self.moved.append((stored, (row.id, now.subject, now.event_at)))
            for record in understood.records:
                known = self.folded.get(place(record))
                self.folded[place(record)] = known.merge(record) if known else record


def _last_read(row: ArchivedDelivery) -> datetime:
    """Now, or when it was applied: what was plausible then is so today, whatever this machine's clock says."""
    now = datetime.now(UTC)
    return max(now, row.applied_at or now)


def _cut(
    connection: Connection, family: Aggregate, before: dict[Place, Record], folded: dict[Place, Record]
) -> dict[str, Left]:
    """Subjects of which a delivery may have been among those that were removed for their age.

    An event is at most `AHEAD` of its receipt, so what happened later than that is still told of in full.
    """
    until = removed_until(connection)
    if until is None:
        return {}
    began: dict[str, datetime | None] = {}
    for record in [*before.values(), *folded.values()]:
        subject = family.subject(record) or ""
        times = [getattr(record, name) for name in SHAPES[type(record)].names(Join.EARLIEST)]
        began[subject] = min((at for at in (began.get(subject), *times) if at is not None), default=None)
    return {
        subject: Left(subject, "deliveries of its time have been removed", cut=True)
        for subject, at in began.items()
        if at is None or at - until <= AHEAD
    }


def _spread(left: dict[str, Left], ties: set[tuple[str, str]]) -> dict[str, Left]:
    """With a subject are left those that share a delivery with it: it would be missing here or be there twice."""
    spread = dict(left)
    apart = [(one, other) for one, other in ties if one != other]
    while found := [pair for pair in apart if (pair[0] in spread) != (pair[1] in spread)]:
        for one, other in found:
            known, tied = (one, other) if one in spread else (other, one)
            spread.setdefault(tied, Left(tied, f"tied to {known}: {spread[known].reason}", spread[known].cut))
    return spread

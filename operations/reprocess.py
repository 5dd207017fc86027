"""Rereading: what a delivery that was not applied becomes today, by its dead letter or by its archived payload."""

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ledger.batch import Batch, UnreadableBatch
from operations.dead_letters import Unapplied
from seven.envelope import RAW, Envelope
from seven.errors import UnreadableEnvelope
from seven.records import ArchivedDelivery, DeadLetter, Record
from store.projection import DIED, Projection, project_batch, project_envelope, project_line

DISCARDED = "discarded: "
"""How the reason of a discarded delivery begins; what follows is the reason of before."""


@dataclass(frozen=True, slots=True)
class Reread:
    """One delivery, and what it becomes today."""

    unapplied: Unapplied
    understood: tuple[Projection, ...] = ()
    """The delivery itself; after it, where it is a whole batch that was none, the deliveries in that."""
    left: str | None = None
    """Why it cannot be replayed and stays as it is."""

    @property
    def outcome(self) -> str:
        """What becomes of it: `applied`, `parked`, `dead`, or `left`."""
        return self.understood[0].delivery.outcome or "" if self.understood else "left"

    @property
    def reason(self) -> str | None:
        """Why it is not applied today either."""
        return self.understood[0].delivery.reason if self.understood and self.outcome != "applied" else self.left

    @property
    def id(self) -> str:
        """The delivery's id from now on: one that could not be read had a makeshift id."""
        return self.understood[0].delivery.id if self.understood else self.unapplied.delivery.id

    @property
    def outgrown(self) -> bool:
        """Whether its row is not to be joined but to go: under another id, or with a payload that was none."""
        was = self.unapplied.delivery
        return bool(self.understood) and (
            self.id != was.id or (_is_unread(was) and self.understood[0].delivery.digest is not None)
        )

    @property
    def marks(self) -> tuple[Record, ...]:
        """What its letter, where there was one, is to say of this replay."""
        if not (self.unapplied.letter and self.understood):
            return ()
        return (DeadLetter(id=self.id, replayed_at=datetime.now(UTC)),)

    @property
    def rows(self) -> tuple[Record, ...]:
        """All that is to be joined for it."""
        return (*(row for one in self.understood for row in one.rows()), *self.marks)

    def refused(self, which: int, reason: str) -> "Reread":
        """The same where the database does not take the rows of one of `understood`."""
        some = list(self.understood)
        some[which] = some[which].dead(
            f"refused by the database: {reason}", _attempt(self.unapplied) if not which else 1
        )
        return replace(self, understood=tuple(some))


def reread(one: Unapplied, risk: bool = False) -> Reread:
    """Understand a delivery anew. Nothing is thrown, nothing is written.

    With `risk` also what workers died over: this process may, too.
    """
    kept = _kept_text(one)
    if kept is None and not one.delivery.payload:
        return Reread(one, left="its payload is not kept any more")
    if not risk and reason_of(one).endswith(DIED):
        return Reread(one, left=f"{reason_of(one)}: only by its id")
    row = replace(one.delivery, outcome=None, reason=None, applied_at=None)
    if _is_unread(one.delivery) and one.delivery.ordinal is None:
        return Reread(one, _batch(one, row, kept or ""))
    try:
        understood = _understood(one, row, kept, trusted=risk)
    except UnreadableEnvelope as error:
        return Reread(one, left=str(error))
    became = understood.delivery.outcome
    if one.delivery.outcome == "quarantined" and became == "parked":  # by the join it stays what it is
        return Reread(one, left=f"not understood either: {understood.delivery.reason}")
    if one.letter and became != "applied":  # by the join it stays dead; and that it failed is kept
        understood = understood.dead(understood.delivery.reason or "", _attempt(one))
    return Reread(one, (understood,))


def told_line(one: Unapplied) -> bytes | None:
    """The envelope as it lay in the ledger, or all that lay there, where that is kept."""
    kept = _kept_text(one)
    return None if kept is None else _line(kept)


def _understood(one: Unapplied, row: ArchivedDelivery, kept: str | None, *, trusted: bool) -> Projection:
    """Raises UnreadableEnvelope where neither letter nor archive tells."""
    if kept is not None and (_is_unread(one.delivery) or _is_envelope(_line(kept))):
        return project_line(row, _line(kept), _attempt(one), trusted=trusted, judged_at=datetime.now(UTC))
    # what a payload of bytes was parked for tells whether it is whole
    told = Envelope.archived(replace(row, reason=reason_of(one) if (row.payload or "").startswith(RAW) else None))
    return project_envelope(row, told, kept or told.line().decode("ascii"), _attempt(one), datetime.now(UTC))


def _batch(one: Unapplied, row: ArchivedDelivery, kept: str) -> tuple[Projection, ...]:
    own = Projection(row, (), kept)
    try:
        batch = Batch.parse(row.id, _line(kept))
    except UnreadableBatch as error:
        return (own.dead(f"not a batch: {error}", _attempt(one)),)
    inside = project_batch(batch, datetime.now(UTC))
    reason = f"read as a batch of {len(inside)} deliveries"
    applied = replace(row, outcome="applied", reason=reason, applied_at=datetime.now(UTC))
    return (replace(own, delivery=applied), *inside)


def _kept_text(one: Unapplied) -> str | None:
    """What lay in the ledger, as the letter has it; its row has it too, where nobody could read it."""
    return (one.letter and one.letter.envelope) or (one.delivery.payload if _is_unread(one.delivery) else None) or None


def _is_unread(row: ArchivedDelivery) -> bool:
    """Whether the payload is no delivery's, but what lay in the ledger and could not be read."""
    return row.digest is None


def _line(kept: str) -> bytes:
    if kept.startswith(RAW):
        return base64.b64decode(kept.removeprefix(RAW))
    return kept.encode("ascii", "backslashreplace")


def _is_envelope(line: bytes) -> bool:
    try:
        Envelope.parse(line)
    except UnreadableEnvelope:  # of another version, in more than ASCII
        return False
    return True


def reason_of(one: Unapplied) -> str:
    """Why a delivery was not applied: what its letter says, which is the latest, else its row."""
    return ((one.letter and one.letter.reason) or one.delivery.reason or "").removeprefix(DISCARDED)


def _attempt(one: Unapplied) -> int:
    return ((one.letter and one.letter.attempts) or 0) + 1

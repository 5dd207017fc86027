"""Reprocess: project a delivery that was not applied again, from its dead letter or its archived payload."""

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ledger.batch import Batch, UnreadableBatch
from operations.dead_letters import Unapplied
from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.envelope import RAW, Envelope
from seven.errors import UnreadableEnvelope
from seven.events import ALIASES
from seven.record import Record
from store.delivery_rows import Projection
from store.projection import DIED, project_batch, project_envelope, project_line
from store.projection_options import DEFAULT_OPTIONS, ProjectionOptions

DISCARDED = "discarded: "
"""Begins the reason of a discarded delivery; the reason it had before follows."""


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """One delivery, and its projections by today's code."""

    unapplied: Unapplied
    projections: tuple[Projection, ...] = ()
    """The delivery itself; if it is a batch that could not be read before, the deliveries in it follow."""
    left_reason: str | None = None
    """Why it cannot be replayed and stays as it is."""

    @property
    def outcome(self) -> str:
        """What becomes of it: `applied`, `parked`, `dead`, or `left`."""
        return self.projections[0].delivery.outcome or "" if self.projections else "left"

    @property
    def reason(self) -> str | None:
        """Why it is not applied today either."""
        if self.projections and self.outcome != "applied":
            return self.projections[0].delivery.reason
        return self.left_reason

    @property
    def id(self) -> str:
        """The delivery's id from now on: an unreadable one had a makeshift id."""
        return self.projections[0].delivery.id if self.projections else self.unapplied.delivery.id

    @property
    def replaces_row(self) -> bool:
        """Whether its stored row is deleted, not joined.

        It has another id, a payload that is no delivery's or masked, or another name of its event type than ours.
        """
        stored = self.unapplied.delivery
        return bool(self.projections) and (
            self.id != stored.id
            or self.masks
            or stored.event_type in ALIASES
            or (_is_unread(stored) and self.projections[0].delivery.digest is not None)
        )

    @property
    def masks(self) -> bool:
        """Whether something is stored that must not be any more: a join would keep it."""
        return any(projection.masked for projection in self.projections)

    @property
    def blanks_row(self) -> bool:
        """Whether what its stored row and dead letter have of its payload is blanked: a join would keep it."""
        return bool(self.projections) and self.projections[0].is_blanked

    @property
    def letter_updates(self) -> tuple[Record, ...]:
        """Records the replay in its dead letter, if it has one."""
        if not (self.unapplied.letter and self.projections):
            return ()
        return (DeadLetter(id=self.id, replayed_at=datetime.now(UTC)),)

    @property
    def rows(self) -> tuple[Record, ...]:
        """All records to merge for it."""
        return (*(row for projection in self.projections for row in projection.rows()), *self.letter_updates)

    def with_refused(self, index: int, reason: str) -> "Reprocessed":
        """The same, with projection `index` dead or parked because its rows cannot be written."""
        projections = list(self.projections)
        attempt = 1 if index else _next_attempt(self.unapplied)
        refused = projections[index].refused(reason, attempt)
        if not index and refused.delivery.outcome == "parked":
            if self.unapplied.delivery.outcome == "quarantined":  # the join keeps it quarantined
                return replace(self, projections=(), left_reason=reason)
            if self.unapplied.letter:  # the join keeps it dead; the failed attempt is recorded
                refused = projections[index].dead(reason, attempt)
        projections[index] = refused
        return replace(self, projections=tuple(projections))


def reprocess(unapplied: Unapplied, force: bool = False, options: ProjectionOptions = DEFAULT_OPTIONS) -> Reprocessed:
    """Project a delivery again. Raises nothing and writes nothing.

    `force` trusts the envelope despite its doubt, and includes deliveries that workers died over: they may kill this
    process, too.
    """
    delivery, text = unapplied.delivery, _stored_text(unapplied)
    if text is None and not delivery.payload:
        return Reprocessed(unapplied, left_reason="its payload is not kept any more")
    if not force and latest_reason(unapplied).endswith(DIED):
        return Reprocessed(unapplied, left_reason=f"{latest_reason(unapplied)}: replayed only by its id")
    row = replace(delivery, outcome=None, reason=None, applied_at=None)
    if _is_unread(delivery) and delivery.ordinal is None:
        return Reprocessed(unapplied, _project_batch(unapplied, row, text or "", options))
    try:
        projection = _project(unapplied, row, text, options, trusted=force)
    except UnreadableEnvelope as error:
        return Reprocessed(unapplied, left_reason=str(error))
    outcome, reason = projection.delivery.outcome, projection.delivery.reason
    if delivery.outcome == "quarantined" and outcome == "parked":  # the join keeps it quarantined
        return Reprocessed(unapplied, left_reason=f"still not understood: {reason}")
    if unapplied.letter and outcome != "applied":  # the join keeps it dead; the failed attempt is recorded
        projection = projection.dead(reason or "", _next_attempt(unapplied))
    return Reprocessed(unapplied, (projection,))


def stored_line(unapplied: Unapplied) -> bytes | None:
    """The bytes that the ledger held for it, usually an envelope; None if they are no longer stored."""
    text = _stored_text(unapplied)
    return None if text is None else _line(text)


def _project(
    unapplied: Unapplied, row: ArchivedDelivery, text: str | None, options: ProjectionOptions, *, trusted: bool
) -> Projection:
    """Raises UnreadableEnvelope when neither the dead letter nor the archive holds a readable envelope."""
    attempt, reference_at = _next_attempt(unapplied), _reference_at(unapplied)
    if text is not None and (_is_unread(unapplied.delivery) or _is_envelope(_line(text))):
        return project_line(row, _line(text), attempt, trusted=trusted, reference_at=reference_at, options=options)
    # of a payload of bytes, the reason for parking says whether it is whole
    reason = latest_reason(unapplied) if (row.payload or "").startswith(RAW) else None
    envelope = Envelope.archived(replace(row, reason=reason))
    text = text or envelope.line().decode("ascii")
    return project_envelope(row, envelope, text, attempt, reference_at=reference_at, options=options)


def _reference_at(unapplied: Unapplied) -> datetime:
    """The time that the worker's judgement of times went by: waiting for a replay makes no time plausible.

    Older workers parked a delivery for a time ahead of all their clocks. Those may have been behind: now they are not.
    """
    delivery, letter = unapplied.delivery, unapplied.letter
    if "absurd time" in latest_reason(unapplied):
        return datetime.now(UTC)
    known = (delivery.received_at, letter.failed_at if letter else None)
    return max((at for at in known if at is not None), default=datetime.now(UTC))


def _project_batch(
    unapplied: Unapplied, row: ArchivedDelivery, text: str, options: ProjectionOptions
) -> tuple[Projection, ...]:
    whole = Projection(row, (), text)
    try:
        batch = Batch.parse(row.id, _line(text))
    except UnreadableBatch as error:
        return (whole.dead(f"not a batch: {error}", _next_attempt(unapplied)),)
    inside = project_batch(batch, options)
    reason = f"read as a batch of {len(inside)} deliveries"
    applied = replace(row, outcome="applied", reason=reason, applied_at=datetime.now(UTC))
    if any(projection.is_blanked for projection in inside):  # each of them has a row of its own
        return (Projection(replace(applied, payload=None), (), None), *inside)
    return (replace(whole, delivery=applied), *inside)


def _stored_text(unapplied: Unapplied) -> str | None:
    """The ledger's text from the dead letter; the row has it, too, if it could not be read."""
    letter, delivery = unapplied.letter, unapplied.delivery
    return (letter and letter.envelope) or (delivery.payload if _is_unread(delivery) else None) or None


def _is_unread(row: ArchivedDelivery) -> bool:
    """Whether the payload column holds unreadable bytes of the ledger instead of a delivery's payload."""
    return row.digest is None


def _line(text: str) -> bytes:
    if text.startswith(RAW):
        return base64.b64decode(text.removeprefix(RAW))
    return text.encode("ascii", "backslashreplace")


def _is_envelope(line: bytes) -> bool:
    try:
        Envelope.parse(line)
    except UnreadableEnvelope:  # of another version, or not ASCII
        return False
    return True


def latest_reason(unapplied: Unapplied) -> str:
    """Why a delivery was not applied: the reason in its dead letter, which is the latest, else in its row."""
    return ((unapplied.letter and unapplied.letter.reason) or unapplied.delivery.reason or "").removeprefix(DISCARDED)


def _next_attempt(unapplied: Unapplied) -> int:
    return ((unapplied.letter and unapplied.letter.attempts) or 0) + 1

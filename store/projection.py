"""Understanding: one delivery becomes the rows it must become, fresh from a batch or again from its archive."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ledger.batch import Batch
from ledger.client import Unreadable
from runtime.trusted_time import latest_believable
from seven.delivery import Delivery, Payload
from seven.digest import delivery_digest
from seven.envelope import CUT, RAW, Envelope, peek_id
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.parsing import Fields
from seven.records import ArchivedDelivery, DeadLetter, Failure, Record

DIED = "workers died with it alone in hand"
"""The reason of a dead letter that no worker understood, since that may be what killed them."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One delivery: its own row, the records it adds to, and its whole envelope as text."""

    delivery: ArchivedDelivery
    records: tuple[Record, ...]
    envelope: str

    def rows(self) -> tuple[Record, ...]:
        """All that is to be written for it."""
        return (self.delivery, *self.records)

    def buried(self, reason: str, attempt: int = 1) -> tuple[ArchivedDelivery, DeadLetter, Failure]:
        """What is written in their place when they cannot be: the delivery as dead, and a letter to replay it by."""
        now = datetime.now(UTC)
        return (
            replace(self.delivery, outcome="dead", reason=reason, applied_at=None),
            DeadLetter(
                id=self.delivery.id,
                event_type=self.delivery.event_type,
                envelope=self.envelope,
                reason=reason,
                failed_at=now,
                attempts=attempt,
            ),
            Failure(id=self.delivery.id, attempt=attempt, failed_at=now, reason=reason),
        )

    def dead(self, reason: str, attempt: int = 1) -> "Projection":
        """The same delivery, buried."""
        delivery, *letter = self.buried(reason, attempt)
        return Projection(delivery, tuple(letter), self.envelope)


def project_batch(batch: Batch, judged_at: datetime | None = None) -> list[Projection]:
    """Read a batch's envelopes and project their events, each for itself."""
    return [project_line(numbered(batch, ordinal), line, judged_at=judged_at) for ordinal, line in batch.numbered()]


def numbered(batch: Batch, ordinal: int) -> ArchivedDelivery:
    """What the batch alone tells of one of its deliveries; its id is makeshift until the envelope has told its own."""
    return ArchivedDelivery(
        id=f"{batch.id}-{ordinal}",
        queue=batch.header.queue,
        received_at=batch.header.accepted_at,
        ledger=batch.header.life,
        ordinal=ordinal,
    )


def project_line(
    row: ArchivedDelivery, line: bytes, attempt: int = 1, *, trusted: bool = False, judged_at: datetime | None = None
) -> Projection:
    """Understand an envelope as it lay in the ledger. Nothing is thrown: a line that is none is a dead letter.

    `trusted` says that somebody has looked: a doubt does not count any more. `judged_at` as for an envelope.
    """
    try:
        envelope = Envelope.parse(line)
        envelope = replace(envelope, doubt=None) if trusted else envelope
    except UnreadableEnvelope as error:
        return untouched(row, line).dead(str(error), attempt)
    return project_envelope(row, envelope, line.decode("ascii", "backslashreplace"), attempt, judged_at)


def project_envelope(
    row: ArchivedDelivery, envelope: Envelope, text: str, attempt: int = 1, judged_at: datetime | None = None
) -> Projection:
    """Nothing is thrown: what cannot be understood is parked, what cannot be projected is dead, with its reason.

    The receiver has judged the payload already. The judgement here is the one that counts: a worker may be newer, and
    knows more than one clock. A time that the gateway tells is plausible until a day after the batch was accepted; or,
    of a delivery that is understood anew, after `judged_at`.
    """
    event_type, digest, now = envelope.event_type, None, datetime.now(UTC)

    def kept(**told: Any) -> ArchivedDelivery:
        """The row, made once: a record costs as much as parsing a delivery."""
        return ArchivedDelivery(
            id=envelope.id,
            event_type=event_type,
            queue=row.queue,
            ledger=row.ledger,
            ordinal=row.ordinal,
            received_at=envelope.received_at,
            request_method=envelope.request_method,
            source=envelope.source,
            payload=envelope.payload_text,
            digest=digest or delivery_digest(envelope.event_type, envelope.payload),
            **told,
        )

    try:
        payload = Payload.of(_words(envelope), envelope.event_type)
        event_type, digest = payload.event_type, payload.digest()
        if envelope.doubt is not None:
            return _quarantined(kept, envelope, text)
        event = payload.event(envelope.received_at, judged_at or _accepted_at(envelope, row, now))
        records = tuple(event.project())
    except NotUnderstood as parked:
        if envelope.doubt is not None:
            return _quarantined(kept, envelope, text)
        return Projection(kept(outcome="parked", reason=parked.reason), (), text)
    except Exception as error:  # noqa: BLE001 - a fault in one projection must not hold up its whole batch
        return Projection(kept(), (), text).dead(f"could not be projected: {type(error).__name__}", attempt)
    applied = kept(subject=event.subject, event_at=event.at, outcome="applied", applied_at=now)
    return Projection(applied, records, text)


def _accepted_at(envelope: Envelope, row: ArchivedDelivery, now: datetime) -> datetime:
    """When the ledger accepted a delivery, by Redis' clock; or by its receiver's, if that one seems to be right."""
    accepted_at = row.received_at or envelope.received_at
    return max(accepted_at, latest_believable((accepted_at, envelope.received_at), now))


def _quarantined(kept: Callable[..., ArchivedDelivery], envelope: Envelope, text: str) -> Projection:
    """Kept, and nothing made of it: somebody has to say that it is the gateway's. Half a payload is told as such."""
    cut = f"{envelope.reason}; " if (envelope.reason or "").startswith(CUT) else ""
    return Projection(kept(outcome="quarantined", reason=f"{cut}{envelope.doubt}"), (), text)


def untouched(row: ArchivedDelivery, line: bytes) -> Projection:
    """An envelope that nobody reads, to be buried: the row tells as much as its batch does, and its own id."""
    text = RAW + base64.b64encode(line).decode("ascii")
    return Projection(replace(row, id=peek_id(line) or row.id, payload=text), (), text)


def unreadable(batch: Unreadable) -> Projection:
    """What is written for something in the ledger that is no batch: a letter that holds it whole."""
    text = RAW + base64.b64encode(batch.stored).decode("ascii")
    return Projection(ArchivedDelivery(id=batch.id, payload=text), (), text).dead(f"not a batch: {batch.reason}")


def _words(envelope: Envelope) -> Fields:
    """The words of an envelope; of bytes that a receiver could not decode, what can be decoded today."""
    if isinstance(envelope.payload, dict) or (envelope.reason or "").startswith(CUT):
        return envelope.words
    told = envelope.payload
    asked = Delivery("GET", told, b"") if envelope.request_method == "GET" else Delivery("POST", b"", told)
    return asked.decode()

"""Understanding: one envelope of a batch becomes the rows it must become."""

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ledger.batch import Batch
from ledger.settling import Unreadable
from seven.delivery import Payload
from seven.digest import delivery_digest
from seven.envelope import Envelope
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.records import DeadLetter, KeptDelivery, Record


@dataclass(frozen=True, slots=True)
class Understood:
    """One delivery: its own row, the records it adds to, and its whole envelope as text."""

    delivery: KeptDelivery
    records: tuple[Record, ...]
    envelope: str

    def rows(self) -> tuple[Record, ...]:
        """All that is to be written for it."""
        return (self.delivery, *self.records)

    def buried(self, reason: str) -> tuple[KeptDelivery, DeadLetter]:
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
                attempts=1,
            ),
        )


def understand(batch: Batch) -> list[Understood]:
    """Read a batch's envelopes and project their events, each for itself."""
    return [_understand(batch, ordinal, line) for ordinal, line in batch.numbered()]


def unreadable(batch: Unreadable) -> tuple[KeptDelivery, DeadLetter]:
    """What is written for something in the ledger that is no batch: a letter that holds it whole."""
    text = "base64:" + base64.b64encode(batch.stored).decode("ascii")
    return Understood(KeptDelivery(id=batch.id, payload=text), (), text).buried(f"not a batch: {batch.reason}")


def _understand(batch: Batch, ordinal: int, line: bytes) -> Understood:
    """Nothing is thrown: what cannot be understood is parked, what cannot be projected is dead, with its reason.

    The receiver has judged the payload already. The judgement here is the one that counts: a worker may be newer.
    """
    row = KeptDelivery(
        id=f"{batch.id}-{ordinal}",
        queue=batch.header.queue,
        received_at=batch.header.accepted_at,
        ledger=batch.header.life,
        ordinal=ordinal,
    )
    try:
        envelope = Envelope.parse(line)
    except UnreadableEnvelope as error:
        text = "base64:" + base64.b64encode(line).decode("ascii")
        return _dead(replace(row, payload=text), text, str(error))
    text = line.decode("ascii", "backslashreplace")
    row = replace(
        row,
        id=envelope.id,
        event_type=envelope.event_type,
        received_at=envelope.received_at,
        request_method=envelope.request_method,
        payload=envelope.payload_text,
        digest=delivery_digest(envelope.event_type, envelope.payload),
    )
    try:
        payload = Payload.of(envelope.words, envelope.event_type)
        row = replace(row, event_type=payload.event_type, digest=payload.digest())
        event = payload.event(envelope.received_at)
        records = tuple(event.project())
    except NotUnderstood as parked:
        return Understood(replace(row, outcome="parked", reason=parked.reason), (), text)
    except Exception as error:  # noqa: BLE001 - a fault in one projection must not hold up its whole batch
        return _dead(row, text, f"could not be projected: {type(error).__name__}")
    applied = replace(row, subject=event.subject, event_at=event.at, outcome="applied", applied_at=datetime.now(UTC))
    return Understood(applied, records, text)


def _dead(row: KeptDelivery, envelope: str, reason: str) -> Understood:
    dead, letter = Understood(row, (), envelope).buried(reason)
    return Understood(dead, (letter,), envelope)

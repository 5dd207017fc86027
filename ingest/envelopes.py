"""Envelopes: classifies a request and builds the envelope that the ledger keeps."""

from dataclasses import dataclass
from datetime import datetime

from seven.delivery import Delivery, Payload
from seven.envelope import CUT, Envelope
from seven.errors import NotUnderstood, Undecodable
from seven.key_presses import masked_keys
from seven.parsing import Fields

SAMPLE = 4096  # bytes kept of a delivery that is too large


@dataclass(slots=True)
class Received:
    """A request with a valid token, with as much of its body as was read."""

    id: str
    delivery: Delivery
    size: int
    """Bytes of body and query, as declared or counted."""
    path_event_type: str | None
    at: datetime
    source: str
    doubt: str | None
    """Why the delivery is quarantined."""
    public_url: str | None = None
    """The fingerprint of the public URL that was signed."""


@dataclass(slots=True)
class Classification:
    """The envelope that is kept, and the answer to the sender."""

    envelope: Envelope
    status: int
    detail: NotUnderstood | None = None

    @property
    def is_cut(self) -> bool:
        """Whether only a sample is kept; the rest of the body may be unread."""
        return (self.envelope.reason or "").startswith(CUT)

    @property
    def outcome(self) -> str:
        """`accepted`, `parked` or `quarantined`."""
        if self.envelope.doubt is not None:
            return "quarantined"
        return "accepted" if self.detail is None else "parked"


def classify(received: Received, limit: int, *, keep_digits: bool = False) -> Classification:
    """Decode and parse a request; one that fails is kept unchanged, with the reason.

    Without `keep_digits` no envelope has the keys that were pressed in a call.
    """
    delivery = received.delivery
    event_type: str | None = None
    fields: Fields | None = None
    detail: NotUnderstood | None = None
    if received.size > limit:
        detail = Undecodable(f"{CUT}{limit} bytes: {received.size} bytes, of which the first {SAMPLE} are kept")
        event_type = _event_type_of_path(received.path_event_type)
        sample = delivery.raw[:SAMPLE]
        kept = sample if keep_digits else masked_keys(sample, event_type)
        return _classification(received, event_type, kept, 413, detail)
    try:
        fields = delivery.decode()
        payload = Payload.of(fields, received.path_event_type)
        event_type = payload.event_type
        payload.check(received.at)
    except NotUnderstood as error:
        detail, event_type = error, event_type or _event_type_of_path(received.path_event_type)
    status = 422 if isinstance(detail, Undecodable) else 202
    content = delivery.raw if fields is None else fields
    if not keep_digits:
        content = masked_keys(content, event_type)
    return _classification(received, event_type, content, status, detail)


def _classification(
    received: Received, event_type: str | None, payload: Fields | bytes, status: int, detail: NotUnderstood | None
) -> Classification:
    envelope = Envelope(
        id=received.id,
        event_type=event_type,
        received_at=received.at,
        request_method=received.delivery.request_method,
        payload=payload,
        reason=None if detail is None else detail.reason,
        source=received.source or None,
        doubt=received.doubt,
    )
    return Classification(envelope, status if received.doubt is None else 401, detail)


def _event_type_of_path(path_event_type: str | None) -> str | None:
    """The path's event type, for a payload that could not be decoded; None where the path names none."""
    try:
        return Payload.of({}, path_event_type).event_type
    except NotUnderstood:
        return None

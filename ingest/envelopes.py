"""Enveloping: what is kept of a request, and what its sender is told of it."""

from dataclasses import dataclass
from datetime import datetime

from seven.delivery import Delivery, Payload
from seven.envelope import CUT, Envelope
from seven.errors import NotUnderstood, Undecodable
from seven.parsing import Fields

SAMPLE = 4096  # bytes kept of a delivery that is too big


@dataclass(slots=True)
class Received:
    """One request of a known sender, as far as it was read."""

    id: str
    delivery: Delivery
    size: int
    """Bytes of body and query, as far as they were told or counted."""
    path_event_type: str | None
    at: datetime
    source: str
    doubt: str | None
    """Why it is to be quarantined."""
    public_url: str | None = None
    """The fingerprint of the public URL that its signature was made for."""


@dataclass(slots=True)
class Classification:
    """What the sender is told, and what is kept."""

    envelope: Envelope
    status: int
    detail: NotUnderstood | None = None

    @property
    def outcome(self) -> str:
        """In one word."""
        if self.envelope.doubt is not None:
            return "quarantined"
        return "accepted" if self.detail is None else "parked"


def classify(received: Received, limit: int) -> Classification:
    """Decode and parse; whatever fails is kept as it came, with the reason."""
    delivery = received.delivery
    event_type: str | None = None
    words: Fields | None = None
    detail: NotUnderstood | None = None
    if received.size > limit:
        detail = Undecodable(f"{CUT}{limit} bytes: {received.size} bytes, of which the first {SAMPLE} are kept")
        return _verdict(received, _named(received.path_event_type), delivery.raw[:SAMPLE], 413, detail)
    try:
        words = delivery.decode()
        payload = Payload.of(words, received.path_event_type)
        event_type = payload.event_type
        payload.check(received.at)
    except NotUnderstood as reason:
        detail, event_type = reason, event_type or _named(received.path_event_type)
    status = 422 if isinstance(detail, Undecodable) else 202
    return _verdict(received, event_type, delivery.raw if words is None else words, status, detail)


def _verdict(
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


def _named(path_event_type: str | None) -> str | None:
    """The event type of bytes that cannot tell it themselves: the path's, where that is one."""
    try:
        return Payload.of({}, path_event_type).event_type
    except NotUnderstood:
        return None

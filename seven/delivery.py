"""Delivery: one HTTP request of the gateway, and the payload it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seven.digest import delivery_digest
from seven.errors import InvalidPayload, Undecodable, UnknownEventType
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.field_types import storable
from seven.parsing import Fields, read_form, read_json
from seven.timestamps import plausible, read_moment

MAX_NAME = 64
"""Characters kept of the name of an event type that is not known."""

_MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors put before a text."""

_ENVELOPE_FIELDS = frozenset({"webhook_event", "webhook_timestamp"})


@dataclass(slots=True, unsafe_hash=True)  # nobody alters one; frozen, it would take four times as long to make
class Delivery:
    """One HTTP request, as far as it matters to what it says."""

    method: str
    query: bytes
    body: bytes
    raw: bytes = field(init=False, compare=False)
    """The bytes that speak: a POST's body, whose query is the target URL's own; without a body, the query."""
    request_method: str = field(init=False, compare=False)
    """The request method of the hook: `JSON`, `POST` or `GET`."""
    _told: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        told = self.query if self.method == "GET" else self.body if self.body.strip() else self.query or self.body
        self.raw, self._told = told, told.strip().removeprefix(_MARK).lstrip()
        is_json = self._told[:1] in (b"{", b"[")
        self.request_method = "GET" if self.method == "GET" else "JSON" if is_json else "POST"

    def decode(self) -> Fields:
        """The words, nested as they were meant. Raises Undecodable, or Misfit where they contradict each other."""
        if not self.raw.strip():
            raise Undecodable("an empty request")
        return (read_json if self.request_method == "JSON" else read_form)(self._told)


@dataclass(slots=True)
class Payload:
    """The decoded words of a delivery, and what they say about themselves."""

    words: Fields
    fields: Mapping[str, Any]
    """The `data`, wherever the notation put it."""
    event_type: str | None
    """As the payload tells it, else as the path does; None where neither does."""
    timestamp: object

    @classmethod
    def of(cls, words: Fields, path_event_type: str | None) -> "Payload":
        """Find `data` in nested words, in a JSON text, or flat beside the envelope's fields.

        Raises Undecodable or Misfit for a JSON text that cannot be read.
        """
        inner = words.get("data")
        if isinstance(inner, str) and inner.lstrip()[:1] == "{":
            inner = read_json(inner)
        if inner == [] and "webhook_event" in words:  # PHP's empty object
            inner = {}
        # Flat fields stand beside the envelope's; one receiver in production reads webhook_event inside data.
        fields = inner if isinstance(inner, dict) else words
        envelope = {
            name: fields.get(name) if words.get(name) in (None, "") else words[name] for name in _ENVELOPE_FIELDS
        }
        return cls(
            words=words,
            fields=fields
            if _ENVELOPE_FIELDS.isdisjoint(fields)
            else {name: value for name, value in fields.items() if name not in _ENVELOPE_FIELDS},
            event_type=_name(envelope["webhook_event"]) or _name(path_event_type if path_event_type != "all" else None),
            timestamp=envelope["webhook_timestamp"],
        )

    def check(self, received_at: datetime) -> None:
        """Whether it means anything. Raises as `event` does, and is faster: when it was told does not matter.

        No time is too late here: a receiver has its own clock only, and one that is behind must refuse nothing.
        """
        self._parsed(received_at, None)

    def event(self, received_at: datetime, until: datetime | None = None) -> Event:
        """What the payload means. Raises UnknownEventType, or Misfit naming each wrong field.

        Times are judged by `until`, the latest that can be trusted; without it by the receipt.
        """
        until = until or received_at
        return self._parsed(self._told_at(received_at, until), until)

    def _parsed(self, told_at: datetime, until: datetime | None) -> Event:
        if self.event_type is None:
            raise UnknownEventType("neither webhook_event nor the path names an event type")
        if self.event_type not in EVENT_TYPES:
            raise UnknownEventType("an event type not known here")
        return EVENT_TYPES[self.event_type].parse(self.fields, told_at, until)

    def digest(self) -> str:
        """Equal for repeats of one delivery."""
        return delivery_digest(self.event_type, self.fields)

    def _told_at(self, received_at: datetime, until: datetime) -> datetime:
        try:
            return plausible(read_moment(self.timestamp), until)
        except ValueError:  # absent, or of no use: the delivery is understood without it
            return received_at


def _name(value: object) -> str | None:
    """The name of an event type as it was told, cut; a known one in the vendor's own spelling."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value in EVENT_TYPES:  # as nearly always
        return value
    if not isinstance(value, str):
        raise InvalidPayload("webhook_event is not text", {"webhook_event": "text is expected"})
    name = storable(value.strip())
    return name.lower() if name.lower() in EVENT_TYPES else name[:MAX_NAME] or None

"""Delivery: one HTTP request of the gateway, and its payload."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seven.charsets import as_utf8
from seven.digest import delivery_digest
from seven.errors import InvalidPayload, Undecodable, UnknownEventType
from seven.event import Event, is_blank
from seven.events import EVENT_TYPES, canonical_name
from seven.field_types import storable
from seven.parsing import Fields, read_form, read_json, unpacked
from seven.timestamps import TOO_FAR_AHEAD, plausible, read_moment

MAX_NAME = 64
"""Characters kept of the name of an unknown event type."""

_MARK = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark, which some editors put before a text."""

_ENVELOPE_FIELDS = frozenset({"webhook_event", "webhook_timestamp"})


@dataclass(slots=True, unsafe_hash=True)  # never altered; frozen would quadruple the time to create it
class Delivery:
    """The parts of one HTTP request that determine its meaning."""

    method: str
    query: bytes
    body: bytes
    charset: str | None = None
    """The codec of the charset that it declares, as `declared_charset` gives it; counts where it is not UTF-8."""
    raw: bytes = field(init=False, compare=False)
    """The bytes of the payload: a GET's query, else the body. A POST without a body has its payload in the query;
    beside a body, the query is part of the target URL."""
    request_method: str = field(init=False, compare=False)
    """The request method of the hook: `JSON`, `POST` or `GET`."""
    _content: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        raw = self.query if self.method == "GET" else self.body if self.body.strip() else self.query or self.body
        self.raw, self._content = raw, as_utf8(raw, self.charset).strip().removeprefix(_MARK).lstrip()
        is_json = self._content[:1] in (b"{", b"[")
        self.request_method = "GET" if self.method == "GET" else "JSON" if is_json else "POST"

    def decode(self) -> Fields:
        """The decoded fields, nested. Raises Undecodable; InvalidPayload where a key has contradicting values."""
        if not self.raw.strip():
            raise Undecodable("an empty request")
        return read_json(self._content) if self.request_method == "JSON" else read_form(self._content, self.charset)


@dataclass(slots=True)
class Payload:
    """The decoded payload of a delivery, with its event type and timestamp."""

    fields: Mapping[str, Any]
    """The `data`, wherever the format puts it."""
    event_type: str | None
    """From the payload, else from the path; None where neither names one."""
    timestamp: object

    @classmethod
    def of(cls, decoded: Fields, path_event_type: str | None) -> "Payload":
        """Find `data`: nested, as JSON in a string, or flat beside the envelope's fields.

        Raises Undecodable or InvalidPayload for a string whose JSON is invalid.
        """
        inner = unpacked(decoded.get("data"))
        if inner == [] and "webhook_event" in decoded:  # PHP's empty object
            inner = {}
        # Flat fields are beside the envelope's; one receiver in production reads webhook_event inside data.
        fields = inner if isinstance(inner, dict) else decoded
        envelope = {
            name: fields.get(name) if decoded.get(name) in (None, "") else decoded[name] for name in _ENVELOPE_FIELDS
        }
        return cls(
            fields=fields
            if _ENVELOPE_FIELDS.isdisjoint(fields)
            else {name: value for name, value in fields.items() if name not in _ENVELOPE_FIELDS},
            event_type=_name(envelope["webhook_event"])
            or _name(path_event_type if path_event_type != "all" else None)
            or next((name for name, event in EVENT_TYPES.items() if event.names_itself(fields)), None),
            timestamp=envelope["webhook_timestamp"],
        )

    def check(self, received_at: datetime) -> None:
        """Validate the fields. Raises like `event`, but faster: it skips the time of the report.

        It accepts any future time: a receiver has only its own clock, and a slow one must not refuse deliveries.
        """
        self._event_class.parse(self.fields, received_at, None)

    def event(
        self, received_at: datetime, until: datetime | None = None, too_far_ahead: frozenset[str] = frozenset()
    ) -> Event:
        """Parse the event. Raises UnknownEventType; InvalidPayload, which names each invalid field.

        Times are checked against `until`, the latest trusted time; by default against `received_at`. Those of the
        fields `too_far_ahead` are ignored.
        """
        until, reported_at, ignored = until or received_at, received_at, {}
        try:
            if not is_blank(self.timestamp):
                reported_at = plausible(read_moment(self.timestamp), until)
            if "webhook_timestamp" in too_far_ahead:
                raise ValueError(TOO_FAR_AHEAD)  # noqa: TRY301 - as plausible does
        except ValueError as error:  # the delivery is understood without it
            reported_at, ignored = received_at, {"webhook_timestamp": str(error)}
        return self._event_class.parse(self.fields, reported_at, until, too_far_ahead=too_far_ahead, ignored=ignored)

    @property
    def _event_class(self) -> type[Event]:
        if self.event_type is None:
            raise UnknownEventType("neither webhook_event nor the path names an event type")
        if self.event_type not in EVENT_TYPES:
            raise UnknownEventType("an event type not known here")
        return EVENT_TYPES[self.event_type]

    def digest(self) -> str:
        """A digest that is equal for repeats of one delivery."""
        return delivery_digest(self.event_type, self.fields)


def _name(value: object) -> str | None:
    """The name of an event type, truncated; of a known one the name that we go by."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value in EVENT_TYPES:  # the usual case
        return value
    if not isinstance(value, str):
        raise InvalidPayload("webhook_event is not text", {"webhook_event": "text is expected"})
    return canonical_name(storable(value.strip()))[:MAX_NAME] or None

"""Envelope: one delivery in the ledger, as one line of JSON.

Readers accept envelopes of older and newer versions: they ignore unknown fields, and only `id` is required. To
change the meaning of a field, give it a new name.
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any

from seven.archive_records import ArchivedDelivery
from seven.errors import Undecodable, UnreadableEnvelope
from seven.field_types import storable
from seven.parsing import MAX_DEPTH, Fields, deeper_than, finite

VERSION = 1
LONGEST = 2000  # bytes of any text but the payload: receivers write no longer one, and no index would hold it
CUT = "larger than "
"""Prefix of the reason where only a sample of the bytes was kept: half a form would decode like a whole one."""
RAW = "base64:"
_OPTIONAL_FIELDS = ("source", "doubt")
_DECODER = json.JSONDecoder(parse_float=finite, parse_constant=str)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)  # of decoded JSON: no cycles
_ID = re.compile(rb'\{(?:"v":\d{1,9},)?"id":"([!#-\[\]-~]{1,255})"')


def raw_text(stored: str) -> str:
    """The bytes stored after `base64:` as text, whatever they are; what is no base64 as it is stored."""
    try:
        return base64.b64decode(stored.removeprefix(RAW), validate=True).decode("utf-8", "replace")
    except ValueError:  # binascii.Error is one, too
        return stored


def peek_id(line: bytes) -> str | None:
    """The id at the start of a line, without parsing the rest: of a newer version, or of a line that kills workers."""
    match = _ID.match(line)
    return match[1].decode("ascii") if match else None


@dataclass(slots=True)
class Envelope:
    """One accepted delivery. `payload` holds its decoded fields, or the raw bytes where decoding failed."""

    id: str
    event_type: str | None
    received_at: datetime
    request_method: str
    payload: Fields | bytes
    reason: str | None = None
    """Why the receiver could not understand the delivery; None if it could."""
    source: str | None = None
    """The sender's IP address."""
    doubt: str | None = None
    """Why it may not come from the gateway: it is quarantined, whatever its payload."""

    def line(self) -> bytes:
        """The envelope as one line of ASCII JSON, NUL and lone surrogates escaped."""
        payload = self.payload_text if isinstance(self.payload, dict) else _quoted(self.payload_text)
        rest = ""
        for name in _OPTIONAL_FIELDS:
            if (value := getattr(self, name)) is not None:
                rest += f',"{name}":{_quoted(value)}'
        # an f-string is twice as fast as encoding a dict
        return (
            f'{{"v":{VERSION},"id":{_quoted(self.id)},"event_type":{_quoted(self.event_type)}'
            f',"received_at":"{self.received_at.isoformat()}","request_method":{_quoted(self.request_method)}'
            f',"payload":{payload},"reason":{_quoted(self.reason)}{rest}}}'
        ).encode("ascii")

    @property
    def payload_text(self) -> str:
        """The payload as text that any database can store: ASCII JSON, or `base64:` and the bytes."""
        if isinstance(self.payload, bytes):
            return RAW + base64.b64encode(self.payload).decode("ascii")
        return _ENCODER.encode(self.payload)

    @property
    def fields(self) -> Fields:
        """The decoded payload. Raises Undecodable with the receiver's reason where there is none."""
        if isinstance(self.payload, bytes):
            raise Undecodable(self.reason or "undecodable")
        return self.payload

    @classmethod
    def archived(cls, row: ArchivedDelivery) -> "Envelope":
        """Rebuild the envelope of a delivery from its row. Raises UnreadableEnvelope where the payload is gone."""
        text = row.payload or ""
        try:
            payload: Any = text if text.startswith(RAW) else json.loads(text, parse_float=finite, parse_constant=str)
        except (ValueError, RecursionError):
            raise UnreadableEnvelope("its payload is not kept") from None
        written = {
            "id": row.id,
            "event_type": row.event_type,
            "received_at": row.received_at and row.received_at.isoformat(),
            "request_method": row.request_method,
            "payload": payload,
            "reason": row.reason,
            "source": row.source,
        }
        return cls.parse(json.dumps(written).encode("ascii"))

    @classmethod
    def parse(cls, line: bytes) -> "Envelope":
        """Read a line of any version. Raises UnreadableEnvelope."""
        try:
            written = _DECODER.decode(line.decode("utf-8", "surrogatepass"))
            payload: Any = written.get("payload")
            if line.count(b"{") + line.count(b"[") > MAX_DEPTH and deeper_than(MAX_DEPTH, payload):
                raise RecursionError  # noqa: TRY301 - as json does; no receiver writes such a payload
            if isinstance(payload, str) and payload.startswith(RAW):
                payload = base64.b64decode(payload[len(RAW) :], validate=True)
            return cls(
                id=_text(written["id"]),
                event_type=None if written.get("event_type") is None else _text(written["event_type"]),
                received_at=_aware(written.get("received_at")),
                request_method=_text(written.get("request_method") or "POST"),
                payload=payload if isinstance(payload, (dict, bytes)) else {},
                reason=None if written.get("reason") is None else _text(written["reason"]),
                **{name: _text(value) for name in _OPTIONAL_FIELDS if (value := written.get(name)) is not None},
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise UnreadableEnvelope(f"not an envelope: {type(error).__name__}") from None


def _quoted(text: str | None) -> str:
    return "null" if text is None else encode_basestring_ascii(text)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "surrogatepass")) <= LONGEST:
        raise TypeError
    return storable(value)


def _aware(value: object) -> datetime:
    """A time with its offset. A newer version may omit it: then any time long ago."""
    if value is None:
        return datetime(2000, 1, 1, tzinfo=UTC)
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)

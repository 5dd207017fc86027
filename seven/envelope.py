"""Envelope: what the ledger keeps of one delivery, one line of JSON.

Readers survive the envelopes of older and newer versions: what they do not know they ignore, what they miss they
take as absent. Only `id` has to be there. Change the meaning of a field by giving it a new name.
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any

from seven.errors import Undecodable, UnreadableEnvelope
from seven.field_types import storable
from seven.parsing import MAX_DEPTH, Fields, deeper_than, finite
from seven.records import ArchivedDelivery

VERSION = 1
LONGEST = 2000  # bytes of any text in it but the payload: more is none of ours, and no index would take it
CUT = "larger than "
"""How the reason begins where only a sample of the bytes was kept: half a form, decoded, would look like a whole."""
RAW = "base64:"
_WHERE_TOLD = ("source", "doubt")
_DECODER = json.JSONDecoder(parse_float=finite, parse_constant=str)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)  # words were decoded
_ID = re.compile(rb'\{(?:"v":\d{1,9},)?"id":"([!#-\[\]-~]{1,255})"')


def peek_id(line: bytes) -> str | None:
    """The id at the head of a line, without reading the rest: a newer version's, or one that nobody dares to read."""
    found = _ID.match(line)
    return found[1].decode("ascii") if found else None


@dataclass(slots=True)
class Envelope:
    """One accepted delivery. `payload` is its decoded words, or its bytes where they could not be decoded."""

    id: str
    event_type: str | None
    received_at: datetime
    request_method: str
    payload: Fields | bytes
    reason: str | None = None
    """Why the receiver could not understand the bytes; None for a decoded payload."""
    source: str | None = None
    """The address it came from."""
    doubt: str | None = None
    """Why it may not be the gateway's: it is to be quarantined, whatever it says."""

    def line(self) -> bytes:
        """As one line of ASCII JSON, NUL and lone surrogates escaped."""
        payload = self.payload_text if isinstance(self.payload, dict) else _quoted(self.payload_text)
        rest = ""
        for name in _WHERE_TOLD:
            if (told := getattr(self, name)) is not None:
                rest += f',"{name}":{_quoted(told)}'
        # written piece by piece: twice as fast as from a dict of them
        return (
            f'{{"v":{VERSION},"id":{_quoted(self.id)},"event_type":{_quoted(self.event_type)}'
            f',"received_at":"{self.received_at.isoformat()}","request_method":{_quoted(self.request_method)}'
            f',"payload":{payload},"reason":{_quoted(self.reason)}{rest}}}'
        ).encode("ascii")

    @property
    def payload_text(self) -> str:
        """The payload as text that any database keeps: ASCII JSON, or `base64:` and the bytes."""
        if isinstance(self.payload, bytes):
            return RAW + base64.b64encode(self.payload).decode("ascii")
        return _ENCODER.encode(self.payload)

    @property
    def words(self) -> Fields:
        """The decoded words. Raises Undecodable with the receiver's reason where there are none."""
        if isinstance(self.payload, bytes):
            raise Undecodable(self.reason or "undecodable")
        return self.payload

    @classmethod
    def archived(cls, row: ArchivedDelivery) -> "Envelope":
        """The envelope of a delivery again, from its row. Raises UnreadableEnvelope where the payload is gone."""
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
                raise RecursionError  # noqa: TRY301 - as json does, for what no receiver writes and nothing could read
            if isinstance(payload, str) and payload.startswith(RAW):
                payload = base64.b64decode(payload[len(RAW) :], validate=True)
            return cls(
                id=_text(written["id"]),
                event_type=None if written.get("event_type") is None else _text(written["event_type"]),
                received_at=_aware(written.get("received_at")),
                request_method=_text(written.get("request_method") or "POST"),
                payload=payload if isinstance(payload, (dict, bytes)) else {},
                reason=None if written.get("reason") is None else _text(written["reason"]),
                **{name: _text(told) for name in _WHERE_TOLD if (told := written.get(name)) is not None},
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise UnreadableEnvelope(f"not an envelope: {type(error).__name__}") from None


def _quoted(told: str | None) -> str:
    return "null" if told is None else encode_basestring_ascii(told)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "surrogatepass")) <= LONGEST:
        raise TypeError
    return storable(value)


def _aware(value: object) -> datetime:
    """A time with its offset; a newer version may leave it out, and then nothing is known of it but 'long ago'."""
    if value is None:
        return datetime(2000, 1, 1, tzinfo=UTC)
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)

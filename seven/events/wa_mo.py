"""wa_mo: a WhatsApp message that someone sent to one of our numbers.

Unconfirmed: the vendor's help page shows an envelope of its own and calls it typical, and nobody has published a
captured payload. So only what that one and the gateway's usual `data` agree on is read; all else is parked.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from seven.digest import short_digest
from seven.errors import InvalidPayload
from seven.event import Event, is_blank
from seven.field_types import PhoneNumber, ShortText, Text
from seven.record import Record
from seven.records import InboundMessage
from seven.timestamps import Moment
from seven.visible_text import text_summary

_SAME = {"from": "sender", "to": "system", "recipient": "system", "timestamp": "time"}
"""Other names of our fields: those of the help page, and a recipient's where it is not called `system`."""
_INBOUND = frozenset({"wa", "whatsapp", "mo", "new", "inbound", "incoming", "message", "messages", "text", "received"})
"""The words of an `event` that tells of an inbound message; with any other it may tell of anything."""


def _is_inbound(event: object) -> bool:
    words = "".join(char if char.isalnum() else " " for char in str(event).lower()).split()
    return _INBOUND.issuperset(words)


_SURE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "event": (_is_inbound, "not known to tell of an inbound message"),
    "status": (lambda _: False, "a report on a message, not a message"),
    "content_type": (lambda kind: str(kind).strip().casefold() == "text", "only texts are known"),
}
"""Fields by which a delivery may be something else: which values are none of that, and the reason for the others."""


class InboundWhatsApp(Event, event_type="wa_mo"):
    """One inbound text by WhatsApp."""

    about: ClassVar = InboundMessage
    example: ClassVar = {
        "sender": "491771783130",
        "system": "4915126716517",
        "time": 1762679739,
        "text": "Hello. I am an example of an inbound WhatsApp message.",
    }

    id: ShortText | None = None
    sender: PhoneNumber
    system: PhoneNumber | None = None
    text: Text
    time: Moment | None = None
    message_type: Text | None = None

    @classmethod
    def parse(
        cls,
        fields: Mapping[str, Any],
        reported_at: datetime,
        until: datetime | None,
        *,
        too_late: frozenset[str] = frozenset(),
        ignored: Mapping[str, str] | None = None,
    ) -> Self:
        """Parse either envelope, under the names of ours. Raises InvalidPayload."""
        named = _under_one_name(fields)
        if wrong := {name: reason for name, (fits, reason) in _SURE.items() if name in named and not fits(named[name])}:
            raise InvalidPayload(f"wa_mo: {'; '.join(map(': '.join, wrong.items()))}", wrong)
        return super().parse(named, reported_at, until, too_late=too_late, ignored=ignored)

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return self.time or self.reported_at

    @property
    def subject(self) -> str:
        """The vendor's id; where it is absent, empty or 0, a digest of sender, number, second and text."""
        if self.id is None or self.id == "0":
            return short_digest("whatsapp", self.sender, self.system, self.time, self.text)
        return self.id

    def summary(self, masked: bool) -> str:
        """The text, or how long it is."""
        return text_summary(self.text, masked)

    def project(self) -> Iterable[Record]:
        """The message itself."""
        yield InboundMessage(
            id=self.subject,
            sender=self.sender,
            recipient=self.system,
            text=self.text,
            sent_at=self.at,
            message_type=self.message_type,
            channel="whatsapp",
        )


def _under_one_name(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields under our names. Raises InvalidPayload where two names of one field have different values."""
    named: dict[str, Any] = {}
    message = fields.get("message")
    inner = (
        {} if not isinstance(message, Mapping) else {"text": message.get("text"), "content_type": message.get("type")}
    )
    if not (is_blank(message) or isinstance(message, Mapping)):
        raise InvalidPayload("wa_mo: message: an object is expected", {"message": "an object is expected"})
    for name, value in (*fields.items(), *inner.items()):
        ours = _SAME.get(name, name)
        if is_blank(value):
            continue
        if str(named.setdefault(ours, value)) != str(value):
            raise InvalidPayload(f"wa_mo: {ours}: two different values", {ours: "two different values"})
    return named

"""wa_mo: a WhatsApp message that someone sent to one of our numbers.

Unconfirmed: the vendor's help page shows an envelope of its own and calls it typical, and nobody has published a
captured payload. So only what that one and the gateway's usual `data` agree on is read; all else is parked.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from seven.errors import InvalidPayload
from seven.event import is_blank
from seven.field_types import Text
from seven.inbound_texts import InboundText
from seven.parsing import unpacked
from seven.timestamps import read_moment

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


class InboundWhatsApp(InboundText, event_type="wa_mo"):
    """One inbound text by WhatsApp."""

    channel: ClassVar = "whatsapp"
    digest_begins: ClassVar = ("whatsapp",)
    example: ClassVar = {
        "sender": "491771783130",
        "system": "4915126716517",
        "time": 1762679739,
        "text": "Hello. I am an example of an inbound WhatsApp message.",
    }

    text: Text

    @classmethod
    def names_itself(cls, fields: Mapping[str, Any]) -> bool:
        """The help page's envelope: no other has its parts."""
        return fields.keys() >= {"event", "message", "from", "to"}

    @classmethod
    def parse(
        cls,
        fields: Mapping[str, Any],
        reported_at: datetime,
        until: datetime | None,
        *,
        too_far_ahead: frozenset[str] = frozenset(),
        ignored: Mapping[str, str] | None = None,
    ) -> Self:
        """Parse either envelope, under the names of ours. Raises InvalidPayload."""
        named = _under_one_name(fields)
        if wrong := {name: reason for name, (fits, reason) in _SURE.items() if name in named and not fits(named[name])}:
            raise InvalidPayload(f"wa_mo: {'; '.join(map(': '.join, wrong.items()))}", wrong)
        return super().parse(named, reported_at, until, too_far_ahead=too_far_ahead, ignored=ignored)


def _is_same(name: str, first: Any, second: Any) -> bool:
    """Whether two values of a field say the same, a time as number or as text."""
    if str(first) == str(second):
        return True
    try:
        return name == "time" and read_moment(first) == read_moment(second)
    except ValueError:
        return False


def _under_one_name(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields under our names. Raises InvalidPayload where two names of one field have different values."""
    named: dict[str, Any] = {}
    message = unpacked(fields.get("message"))
    inner = (
        {} if not isinstance(message, Mapping) else {"text": message.get("text"), "content_type": message.get("type")}
    )
    if not (is_blank(message) or isinstance(message, Mapping)):
        raise InvalidPayload("wa_mo: message: an object is expected", {"message": "an object is expected"})
    for name, value in (*fields.items(), *inner.items()):
        ours = _SAME.get(name, name)
        if is_blank(value):
            continue
        if not _is_same(ours, named.setdefault(ours, value), value):
            raise InvalidPayload(f"wa_mo: {ours}: two different values", {ours: "two different values"})
    return named

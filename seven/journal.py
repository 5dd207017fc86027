"""Journal: the gateway's own lists of what was sent, received and called, and their rows in the words of webhooks.

Outbound messages, inbound SMS, outbound calls, and where the gateway still lists them, incoming calls. Each row of a
message or call has its latest status only; clicks, views and receipts are in no list. Times are Berlin's wall clock,
of outbound messages with milliseconds. Sources: rows recorded live in 2023, and measured by a customer in 2026.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from seven.call_reports import STATUSES as CALL_STATUSES
from seven.digest import id_or_digest, rcs_content
from seven.field_types import storable
from seven.message_reports import STATUSES as MESSAGE_STATUSES
from seven.parsing import Fields
from seven.timestamps import BERLIN, read_moment

JOURNAL = "JOURNAL"
"""The request method of deliveries that were read from the journal instead of received."""

LONGEST_ID = 20
_OF_INCOMING = {"caller", "system", "time"}
"""Beside the id, all fields of an incoming call, which no other list has together."""


class InvalidRow(ValueError):  # noqa: N818 - describes the row
    """A row of a list that cannot be read. The text quotes no value."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row, as the webhook of its latest status would have reported it. Times are in whole seconds, aware UTC."""

    event_type: str
    id: str
    at: datetime | None
    """When it was sent, received or called; None where the row has no time, or an impossible one."""
    status: str | None = None
    """The latest status; None where there is none yet, and for what has no status."""
    status_at: datetime | None = None
    """When it had this status; of a call, when it began."""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The event's fields."""
    connection: str | None = None
    """How a message was handed to the gateway, such as http or smpp."""
    hook_type: str = ""
    """The event type of the hooks that bring it; RCS shares the lists of SMS."""

    recipient: str | None = field(default=None, repr=False)
    """Whom a message was sent to, which no status report says."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hook_type", self.hook_type or self.event_type)

    @property
    def reports(self) -> bool:
        """Whether there is something that a webhook would have reported."""
        return self.event_type not in STATUSES or self.status is not None

    @property
    def webhook_event(self) -> str:
        """The event type of the webhook: a status by RCS says what a `dlr` says, a message by RCS does not."""
        return self.hook_type if self.event_type == "sms_mo" else self.event_type

    @property
    def payload(self) -> Fields:
        """The payload of the webhook."""
        sent = {} if self.at is None else {"webhook_timestamp": self.at.isoformat()}
        return {"webhook_event": self.webhook_event, **sent, "data": dict(self.data)}

    @property
    def last_event_at(self) -> datetime | None:
        """When the latest of it happened that the row tells."""
        return max((at for at in (self.at, self.status_at) if at is not None), default=None)


def read_row(event_type: str, row: object) -> JournalRow:
    """Read a row of the list with this event type's reports. Raises InvalidRow."""
    fields = listed_fields(row)
    return _READERS[event_type](str(fields["id"]).strip(), fields)


def listed_fields(row: object) -> Mapping[str, Any]:
    """The fields of a listed row, which has an id. Raises InvalidRow."""
    if not isinstance(row, dict):
        raise InvalidRow("a row is no object")
    id_ = _text(row, "id")
    if id_ is None or not (id_.isascii() and id_.isdecimal() and len(id_) <= LONGEST_ID):
        raise InvalidRow("a row's id is no number")
    return row


def _outbound(id_: str, row: Mapping[str, Any]) -> JournalRow:
    status, status_at = MESSAGE_STATUSES.spelled(_text(row, "dlr")), _moment(row, "dlr_timestamp")
    data = {"msg_id": id_, "status": status, "timestamp": _wall(status_at), "foreign_id": _text(row, "foreign_id")}
    connection = _text(row, "connection")
    hook_type = "rcs" if (_text(row, "channel") or "").lower() == "rcs" else "dlr"
    return JournalRow(
        "dlr",
        id_,
        _moment(row, "timestamp"),
        status,
        status_at,
        _present(data),
        connection,
        hook_type,
        _text(row, "to"),
    )


def _inbound(id_: str, row: Mapping[str, Any]) -> JournalRow:
    """In today's words, or the webhook's, as an older version of the API wrote them; an agent of RCS has a name."""
    at, system = _moment(row, "timestamp", "time"), _text(row, "to", "system")
    sender, text = _required(row, "from", "sender"), row.get("text") if isinstance(row.get("text"), str) else None
    data = {"id": id_, "sender": sender, "text": text, "time": _time(at)}
    if system is None or system.lstrip("+").isdecimal():
        key = id_or_digest(id_, sender, system, at, text or "")
        return JournalRow("sms_mo", key, at, data=_present({**data, "system": system}))
    key = id_or_digest(id_, *rcs_content(sender, system, at, text or ""))
    data |= {"agent_id": system, "message_type": "RCS"}
    return JournalRow("sms_mo", key, at, data=_present(data), hook_type="rcs")


def _voice(id_: str, row: Mapping[str, Any]) -> JournalRow:
    """The price is that of the whole call; a call that was refused has no status, and one without answer lasts 0 s."""
    at, status, duration = (
        _moment(row, "timestamp"),
        CALL_STATUSES.spelled(_text(row, "status")),
        _text(row, "duration"),
    )
    data = {
        "id": id_,
        "callerId": _text(row, "from"),
        "recipient": _text(row, "to"),
        "status": status,
        "duration": None if duration == "0" else duration,
        "total_price": _text(row, "price"),
        "timestamp": _time(at),
    }
    return JournalRow("voice_status", id_, at, status, at, _present(data))


def _incoming(id_: str, row: Mapping[str, Any]) -> JournalRow:
    """Real calls have had the id 0: without one of its own, a call is known by a digest, as its row is.

    This list is asked for in the older style, by a parameter: a gateway that ignores it answers with rows of another.
    """
    if not row.keys() >= _OF_INCOMING:
        raise InvalidRow("a row is no incoming call")
    caller = (_required if id_ == "0" else _text)(row, "caller")  # it may be withheld
    at, system = _moment(row, "time"), _text(row, "system")
    data = {"id": id_, "caller": caller, "system": system, "time": _time(at)}
    return JournalRow("voice_call", id_or_digest(id_, caller, system, at), at, data=_present(data))


_READERS: Mapping[str, Callable[[str, Mapping[str, Any]], JournalRow]] = {
    "dlr": _outbound,
    "sms_mo": _inbound,
    "voice_status": _voice,
    "voice_call": _incoming,
}

JOURNALED = tuple(_READERS)
"""The event types that a list of the journal has."""
STATUSES = {"dlr": MESSAGE_STATUSES, "voice_status": CALL_STATUSES}
"""The statuses of those that have any."""


def _text(row: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields with a text or a number, as text; None where it is blank, as absent."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            text = storable(str(value).strip())
            if text:
                return text
    return None


def _required(row: Mapping[str, Any], *names: str) -> str:
    text = _text(row, *names)
    if text is None:
        raise InvalidRow(f"a row has no {names[0]}")
    return text


def _moment(row: Mapping[str, Any], *names: str) -> datetime | None:
    text = _text(row, *names)
    try:
        return None if text is None else read_moment(text).replace(microsecond=0)
    except ValueError:
        return None


def _wall(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")


def _time(at: datetime | None) -> str | None:
    """An epoch, as webhooks have it; of the ambiguous hour the wall clock, since it may mean a later time as well."""
    return None if at is None else _wall(at) if at.fold else str(int(at.timestamp()))


def _present(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}

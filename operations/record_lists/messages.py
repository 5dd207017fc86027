"""Messages: their list, and by what it can be narrowed."""

from collections.abc import Mapping
from typing import Any

from operations.record_lists.filters import Conditions, Filter, days_of, spelled, word
from operations.record_lists.record_list import ListColumn, RecordList
from seven.message_reports import STATUSES as MESSAGE_STATUSES
from store.schema import messages

RESULTS = ("delivered", "failed", "pending", "unknown")
_UNDELIVERED = spelled(messages.c.result, "<>", "delivered")


def _result(value: str) -> Conditions:
    """Most messages are delivered: an index holds the others alone."""
    return (
        ((), (messages.c.result == value,))
        if value == "delivered"
        else ((_UNDELIVERED, messages.c.result == value), ())
    )


def _open_longer(before: Any) -> Conditions:
    return (_UNDELIVERED, messages.c.result == "pending", messages.c.first_seen_at < before), ()


def _message_contradiction(values: Mapping[str, Any]) -> str | None:
    result, status = values.get("result"), values.get("status")
    if "open_hours" in values and result not in (None, "pending"):
        return f"An open message is pending, so no {result} message is open."
    if "open_hours" in values and status and MESSAGE_STATUSES.is_final(status):
        return f"{status} is final, so no message with it is open."
    if result and status and MESSAGE_STATUSES.result(status) != result:
        return f"A message with the status {status[:40]} is {MESSAGE_STATUSES.result(status)}, never {result}."
    return None


MESSAGES = RecordList(
    "messages",
    "Messages",
    "Messages that we sent, with their latest status. They stand in the order of their first one, the latest first.",
    "The gateway has not reported a status of any message yet.",
    messages,
    (
        ListColumn("first_seen_at", "First status", messages.c.first_seen_at),
        ListColumn("msg_id", "Message", messages.c.msg_id),
        ListColumn("foreign_id", "Foreign id", messages.c.foreign_id),
        ListColumn("result", "Result", messages.c.result),
        ListColumn("status", "Status", messages.c.status),
        ListColumn("status_at", "Since", messages.c.status_at),
        ListColumn("delivered_at", "Delivered", messages.c.delivered_at),
        ListColumn("read_at", "Read", messages.c.read_at),
    ),
    (messages.c.first_seen_at, messages.c.msg_id),
    (
        Filter("result", "Result", "choice", _result, RESULTS),
        word("status", "Status", messages.c.status, (*MESSAGE_STATUSES.passing, *MESSAGE_STATUSES.final)),
        *days_of(messages.c.first_seen_at),
        Filter("open_hours", "Open longer than (hours)", "hours", _open_longer),
    ),
    contradiction=_message_contradiction,
)

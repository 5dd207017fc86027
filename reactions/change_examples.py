"""Change examples: one change of each topic, for tests of a target and for docs/changes/."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from reactions.change import Change, stable_id
from reactions.change_data import DATA, kind_of

_AT = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
_EARLIER = _AT - timedelta(seconds=4)
_MESSAGE = {"msg_id": "77151893425", "foreign_id": "order-1042", "first_seen_at": _EARLIER, "last_seen_at": _AT}
_CALL = {"call_id": "1293486", "caller": "4915123456789", "recipient": "4930123456", "started_at": _EARLIER}
_LINK = {"sms_id": "77151893425", "tracking_url": "https://svn.io/aBc12", "nth": 1, "at": _AT, "label": "spring"}
_OPT_OUT = {"number": "4915123456789", "recipient": "4915126716517", "channel": "sms", "since": _AT}
_CHECK = {"check": "database", "remedy": ""}


def _message(status: str, result: str, *, final: bool) -> dict[str, Any]:
    delivered_at = _AT if result == "delivered" else None
    standing = {"status": status, "result": result, "final": final, "status_at": _AT, "delivered_at": delivered_at}
    return {**_MESSAGE, **standing}


_EXAMPLES: Mapping[str, tuple[str, str | None, str, dict[str, Any]]] = {
    # the record's key, was, now, data
    "message.pending": ("77151893425", None, "TRANSMITTED", _message("TRANSMITTED", "pending", final=False)),
    "message.delivered": (
        "77151893425", "TRANSMITTED", "DELIVERED", _message("DELIVERED", "delivered", final=True),
    ),
    "message.failed": ("77151893425", "TRANSMITTED", "FAILED", _message("FAILED", "failed", final=True)),
    "message.unknown": ("77151893425", "TRANSMITTED", "POSTPONED", _message("POSTPONED", "unknown", final=False)),
    "message.read": (
        "77151893425", None, "READ", {**_message("DELIVERED", "delivered", final=True), "read_at": _AT},
    ),
    "inbound.received": (
        "901234", None, "received",
        {"id": "901234", "sender": "4915123456789", "recipient": "4915126716517", "text": "Where is my parcel?",
         "sent_at": _AT, "channel": "sms", "message_type": "SMS"},
    ),
    "call.received": ("inbound 1293486", None, "received", {**_CALL, "direction": "inbound", "started_at": _AT}),
    "call.status": (
        "outbound 1293486", "answered", "completed",
        {**_CALL, "direction": "outbound", "status": "completed", "final": True, "status_at": _AT, "duration_s": 42,
         "price_per_minute": Decimal("0.045"), "foreign_id": "order-1042"},
    ),
    "link.clicked": (
        "77151893425 https://svn.io/aBc12 click 1", None, "click",
        {**_LINK, "type": "click", "final_url": "https://shop.example/spring"},
    ),
    "link.viewed": (
        "77151893425 https://svn.io/aBc12 view 1", None, "view",
        {**_LINK, "type": "view", "final_url": "https://shop.example/spring"},
    ),
    "opt_out.started": (
        "901234", None, "out", {**_OPT_OUT, "state": "out", "word": "STOP", "inbound_id": "901234"},
    ),
    "opt_out.ended": ("901235", "out", "in", {**_OPT_OUT, "state": "in", "word": "START", "inbound_id": "901235"}),
    "webhook.missed": (
        "dlr 77151893425 DELIVERED", None, "DELIVERED",
        {"event_type": "dlr", "id": "77151893425", "status": "DELIVERED", "journal_at": _AT,
         "found_at": _AT + timedelta(minutes=15)},
    ),
    "health.failed": (
        "database", "good", "wrong",
        {**_CHECK, "grade": "wrong", "finding": "does not answer: connection refused",
         "remedy": "start the database; deliveries wait in the ledger meanwhile"},
    ),
    "health.recovered": ("database", "wrong", "good", {**_CHECK, "grade": "good", "finding": "answers"}),
    "heartbeat": ("heartbeat", None, "alive", {"at": _AT}),
}  # fmt: skip


def example(topic: str) -> Change:
    """A change of this topic, of a record that does not exist. Its sequence is 0, which no other change has."""
    key, was, now, data = _EXAMPLES[topic]
    return Change(
        id=stable_id(topic, key, now, _AT),
        type=topic,
        timestamp=_AT,
        sequence=0,
        was=was,
        now=now,
        data=DATA[kind_of(topic)](**data),
    )

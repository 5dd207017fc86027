"""Rows of the journals, written from the events that were played.

Notations are those of recorded answers (the vendor's Elixir client, 2023-08-31): prices of messages with four digits,
times of sent messages with three, all others whole seconds; `xml` alone is no text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from emulator.calls import total_price
from emulator.vendor_event import VendorEvent, wall_clock

JournalName = Literal["outbound", "inbound", "voice", "replies", "voice_call"]
JOURNALS: tuple[JournalName, ...] = get_args(JournalName)
"""`voice_call` are incoming calls. How a row of `replies` looks is unknown, so no scenario has any."""

Row = dict[str, Any]
"""A row as it is answered."""
JournalRows = Mapping[JournalName, Sequence[Row]]

TIMES: dict[JournalName, str] = {**dict.fromkeys(JOURNALS, "timestamp"), "voice_call": "time"}
"""By journal, the field with a row's time."""

NOT_A_STATUS = {"IS_TYPING"}
"""Receipts by RCS that say nothing of a message."""

MS = len("2023-08-23 14:13:08.802")
SECONDS = len("2023-08-23 14:13:08")


def journal_rows(events: Iterable[VendorEvent]) -> JournalRows:
    """The rows of these events, which are in order of time: of each message and call, the last status alone."""
    rows: dict[JournalName, dict[object, Row]] = {name: {} for name in JOURNALS}
    for event in events:
        writer = _WRITERS.get(event.event_type)
        if writer is not None and (entry := writer(event)) is not None:
            name, row = entry
            rows[name][row_key(row)] = row
    return {name: [*by_key.values()] for name, by_key in rows.items()}


def row_key(row: Row) -> object:
    """What tells a row from the others of its journal: its id, and for calls without one their caller and time."""
    return row["id"] if row["id"] != "0" else (row["caller"], row["time"])


Entry = tuple[JournalName, Row] | None


def _outbound(event: VendorEvent) -> Entry:
    """`dlr_timestamp` is the event's `timestamp` to the millisecond; the latency is counted from sending."""
    fields, sent = event.fields, event.sent
    if sent is None or fields["status"] in NOT_A_STATUS:
        return None
    at, sent_at = (datetime.fromisoformat(wall_clock(moment)[:MS]) for moment in (event.occurred_at, sent.at))
    return "outbound", {
        "id": fields["msg_id"],
        "to": sent.recipient,
        "from": sent.sender,
        "text": sent.text,
        "timestamp": wall_clock(sent.at)[:MS],
        "price": f"{sent.price:.4f}",
        "dlr": fields["status"],
        "dlr_timestamp": fields["timestamp"][:MS],
        "mccmnc": sent.mccmnc,
        "latency": f"{(at - sent_at).total_seconds():.4f}",
        "type": "direct",
        "connection": "http",
        "label": sent.label,
        "foreign_id": fields.get("foreign_id"),
        "channel": sent.channel,
    }


def _inbound(event: VendorEvent) -> Entry:
    fields = event.fields
    return "inbound", {
        "id": str(fields["id"]),
        "from": fields["sender"],
        "to": fields.get("system") or fields["agent_id"],
        "text": fields.get("text") or fields.get("suggestion_response", {}).get("text", ""),
        "timestamp": _from_epoch(fields["time"]),
        "price": 0,  # a number in 2026, a text in 2023
    }


def _rcs(event: VendorEvent) -> Entry:
    """One event type for receipts of what was sent, and for what was received."""
    return _inbound(event) if event.sent is None else _outbound(event)


def _voice(event: VendorEvent) -> Entry:
    """Calls that nobody answered cost nothing; such a row's duration and price are `0`, as in the recorded ones."""
    fields, sent = event.fields, event.sent
    assert sent is not None
    seconds = int(fields["duration"] or 0)
    return "voice", {
        "id": str(fields["id"]),
        "from": sent.sender,
        "to": sent.recipient,
        "xml": False,
        "text": sent.text,
        "duration": str(seconds),
        "status": fields["status"],
        "error": None,
        "timestamp": wall_clock(sent.at)[:SECONDS],
        "price": f"{total_price(sent.price, seconds):g}",
    }


def _voice_call(event: VendorEvent) -> Entry:
    fields = event.fields
    return "voice_call", {
        "id": str(fields["id"]),
        "caller": fields["caller"],
        "system": fields["system"],
        "time": _from_epoch(fields["time"]),
    }


# Clicks, views and key presses are in no journal, nor are WhatsApp messages, which have no id.
_WRITERS: dict[str, Callable[[VendorEvent], Entry]] = {
    "dlr": _outbound,
    "rcs": _rcs,
    "sms_mo": _inbound,
    "voice_call": _voice_call,
    "voice_status": _voice,
}


def _from_epoch(seconds: str | int) -> str:
    return wall_clock(datetime.fromtimestamp(int(seconds), UTC))[:SECONDS]

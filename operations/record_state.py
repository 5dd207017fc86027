"""Record state: how a record stands now, in one sentence; and what happened to those of a story, in order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.trace import Story
from runtime.durations import duration
from seven.plurals import counted
from seven.visible_text import visible_text

Row = Mapping[str, Any]

_CHANNELS = {"sms": "SMS", "rcs": "RCS", "whatsapp": "WhatsApp"}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to a record."""

    at: datetime | None
    what: str
    """`DELIVERED`, `click 3`."""
    kind: str
    """`message`, `call`, `inbound SMS`, `inbound RCS`, `inbound WhatsApp` or `link`."""
    record: str
    """The record's id; of a link its message's."""
    url: str = ""
    """Of a link its short URL."""


def standing(kind: str, record: Row) -> str:
    """How a row of a story's records, by the name of their list, stands: a sentence, its times in UTC.

    `Delivered 2026-03-29 08:00:09, 9 s after it was accepted`. Of foreign words it has the status alone.
    """
    return _SENTENCES[kind](record)


def time_line(story: Story) -> list[TimelineEntry]:
    """All that happened to the records of a story, the earliest first; what has no time is last."""
    moments = [*_statuses(story), *_activities(story), *_opt_outs(story), *_receipts(story)]
    return sorted(moments, key=lambda moment: (moment.at is None, moment.at or datetime.min.replace(tzinfo=UTC)))


def _message(row: Row) -> str:
    status, at = visible_text(str(row["status"] or "")), _time(row["status_at"])
    since = _since_accepted(row)
    match row["result"]:
        case "delivered" if row["status_at"] is None and row.get("read_at"):
            return f"Read {_time(row['read_at'])}; when it was delivered, no report says"
        case "delivered":
            sentence = f"Delivered {at}{since}" + (f", read {_time(row['read_at'])}" if row.get("read_at") else "")
        case "failed":
            sentence = f"Not delivered: {status} {at}{since}"
        case "pending":
            sentence = f"On its way: {status} {at}"
        case _:
            sentence = f"{status or 'No status'} {at}, which is no status known here".replace("  ", " ")
    return sentence + (", by the time of the report" if row["undated"] else "")


def _since_accepted(row: Row) -> str:
    accepted = next((entry["at"] for entry in row["history"] if entry["status"].upper() == "ACCEPTED"), None)
    if accepted is None or row["status_at"] is None or row["status_at"] <= accepted:
        return ""
    return f", {duration(row['status_at'] - accepted)} after it was accepted"


def _call(row: Row) -> str:
    if row["direction"] == "inbound":
        return f"Came in {_time(row['started_at'])}"
    status = visible_text(str(row["status"] or "no status"))
    lasted = f", {duration(timedelta(seconds=row['duration_s']))} long" if row["duration_s"] else ""
    return f"{status[:1].upper()}{status[1:]} {_time(row['status_at'])}{lasted}"


def _inbound(row: Row) -> str:
    channel = row.get("channel") or "sms"
    by = "" if channel == "sms" else f" by {_CHANNELS.get(channel, 'a channel not known here')}"
    return f"Sent {_time(row['sent_at'])}{by}"


def _sent(row: Row) -> str:
    sentence = f"Sent {_time(row['sent_at'])}" if row["sent_at"] else "Sent"
    price = "" if row["price"] is None else f" for {row['price']} euros"
    return f"{sentence}{price}" + ("" if row["is_reported"] else "; no report of it is here")


def _channel(row: Row) -> str:
    return f"inbound {_CHANNELS.get(row.get('channel') or 'sms', 'message')}"


def _link(row: Row) -> str:
    counts = [counted(row[name] or 0, name[:-1]) for name in ("clicks", "views") if row[name] or name == "clicks"]
    last = f", the last report {_time(row['last_at'])}" if row["last_at"] else ""
    gaps = [f"{counted(number, kind)} never reported" for kind, number in row.get("gaps", {}).items()]
    return ", ".join([f"{' and '.join(counts)}{last}", *gaps])


def _opt_out(row: Row) -> str:
    what = "Opted out" if row["state"] == "out" else "Opted in again"
    return f"{what} {_time(row['since'])}"


_SENTENCES: dict[str, Callable[[Row], str]] = {
    "messages": _message,
    "sent_messages": _sent,
    "calls": _call,
    "inbound_messages": _inbound,
    "links": _link,
    "opt_outs": _opt_out,
}


def _statuses(story: Story) -> Iterator[TimelineEntry]:
    for row in story.messages:
        for entry in row["history"]:
            yield TimelineEntry(entry["at"], visible_text(entry["status"]), "message", row["msg_id"])
        for entry in row.get("receipts", ()):
            yield TimelineEntry(entry["at"], f"receipt: {entry['kind']}", "message", row["msg_id"])
    for row in story.calls:
        for entry in row["history"]:
            yield TimelineEntry(entry["at"], visible_text(entry["status"]), "call", row["call_id"])


def _activities(story: Story) -> Iterator[TimelineEntry]:
    for row in story.links:
        for entry in row["history"]:
            yield TimelineEntry(
                entry["at"], f"{visible_text(entry['type'])} {entry['nth']}", "link", row["sms_id"], row["tracking_url"]
            )


def _opt_outs(story: Story) -> Iterator[TimelineEntry]:
    for row in story.opt_outs:
        for entry in row["history"]:
            what = "opted out" if entry["state"] == "out" else "opted in again"
            yield TimelineEntry(entry["at"], what, "opt-out", entry["inbound_id"] or "by hand")


def _receipts(story: Story) -> Iterator[TimelineEntry]:
    """Of what has no statuses; and when messages were sent."""
    for row in story.sent_messages:
        yield TimelineEntry(row["sent_at"], "sent", "message", row["msg_id"])
    for row in story.inbound_messages:
        yield TimelineEntry(row["sent_at"], "sent to us", _channel(row), row["id"])
    for row in story.calls:
        if row["direction"] == "inbound" or not row["history"]:
            yield TimelineEntry(
                row["started_at"], "called us" if row["direction"] == "inbound" else "began", "call", row["call_id"]
            )


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

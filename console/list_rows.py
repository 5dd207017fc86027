"""List rows: what a list shows of each row to this viewer, on the page and in its CSV alike."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from operations.masking import masked_row
from operations.record_lists import RecordList
from seven.summaries import summarise

Row = Mapping[str, Any]

STORY_KEYS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "messages": ("msg_id", lambda row: row["msg_id"]),
    "sent": ("msg_id", lambda row: row["msg_id"]),
    "missed": ("id", lambda row: row["id"]),
    "inbound": ("id", lambda row: row["id"]),
    "calls": ("call_id", lambda row: f"{row['direction']} {row['call_id']}"),
    "links": ("sms_id", lambda row: row["sms_id"]),
}
"""By list, the column that leads to the story of a row, and what is looked up for it: an id, never a number."""
COMMAND = "command"
SUMMARY = "summary"
TOO_LARGE = "larger than"
"""How the reason of a delivery begins of which only a sample is kept."""


def column_titles(record_list: RecordList) -> dict[str, str]:
    """The columns by name, with their titles. A payload stands there as what it said; a dead letter has its command."""
    titles = {SUMMARY if each.name == "payload" else each.name: each.title for each in record_list.columns}
    if record_list.name == "dead-letters":
        titles |= {COMMAND: "Command that repairs it"}
    return titles


def visible_row(record_list: RecordList, row: Row, *, sees_texts: bool) -> dict[str, Any]:
    """The columns of `column_titles`, masked unless the viewer may see texts."""
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name == "payload":
            values[SUMMARY] = summarise(row["event_type"], value, masked=not sees_texts)
        else:
            values[name] = value
    if record_list.name == "dead-letters":
        values[COMMAND] = repair_command(row)
    return values if sees_texts else masked_row(values, record_list.ours)


def repair_command(row: Row) -> str:
    """The command that applies a delivery that was not applied, or drops it where nothing can."""
    verb = "discard" if str(row["reason"] or "").startswith(TOO_LARGE) else "replay"
    return f"seven-ingest dead {verb} {shlex.quote(row['id'])}"

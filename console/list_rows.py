"""List rows: what a list shows of each row to this viewer, on the page and in its CSV alike."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from operations.masking import masked_row
from operations.record_lists import RecordList
from seven.summaries import summarise
from store.projection import DIED

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
REPLAYED = ("dead", "quarantined")
"""Outcomes of deliveries that this version understands."""


def column_titles(record_list: RecordList) -> dict[str, str]:
    """The columns by name, with their titles. A payload stands there as what it said; a dead letter has a command."""
    titles = {SUMMARY if each.name == "payload" else each.name: each.title for each in record_list.columns}
    if record_list.name == "dead-letters":
        titles |= {COMMAND: "What to do"}
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
        values[COMMAND] = next_command(row)
    return values if sees_texts else masked_row(values, record_list.ours)


def next_command(row: Row) -> str:
    """What to do about a delivery that was not applied: drop it, apply it, or first see why it would not be.

    Of one that is too large only a sample is kept, and what one worker after the other died with may end the next.
    Parked ones were not understood, and would be parked again by the same version.
    """
    reason = str(row["reason"] or "")
    verb = "replay" if row["outcome"] in REPLAYED and not reason.endswith(DIED) else "show"
    if reason.startswith(TOO_LARGE):
        verb = "discard"
    return f"seven-ingest dead {verb} {shlex.quote(row['id'])}"

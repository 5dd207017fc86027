"""Journal: what the gateway would list of a scenario's events, read as its client reads it."""

from collections.abc import Iterable

from emulator.journal.rows import JournalName
from emulator.journal.rows import journal_rows as listed_rows
from emulator.vendor_event import VendorEvent
from seven.journal import JournalRow, read_row

EVENT_TYPES: dict[JournalName, str] = {
    "outbound": "dlr", "inbound": "sms_mo", "voice": "voice_status", "voice_call": "voice_call",
}  # fmt: skip
"""By list, the event type whose webhooks report the same."""


def journal_rows(events: Iterable[VendorEvent]) -> list[JournalRow]:
    """The rows of all lists, of events in order of time."""
    return [read_row(EVENT_TYPES[name], row) for name, rows in listed_rows(events).items() for row in rows]

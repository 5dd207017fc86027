"""Journal records: what a report that was read from the journal adds to the rows.

The journal has the latest status only, to the second, and not when the webhook of it came. So such a report writes no
history, has been seen by nobody, and stands below its own webhook, should that still come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from seven.record import Record
from seven.records import Call, CallStatus, Message, MessageReceipt, MessageStatus

_HISTORIES = (MessageStatus, MessageReceipt, CallStatus)


def journal_records(records: Iterable[Record]) -> Iterator[Record]:
    """The records of a report that was read from the journal, made of those of the same report by webhook."""
    for record in records:
        if isinstance(record, Message):
            yield replace(record, last_seen_at=None, journal_only=True)
        elif isinstance(record, Call):
            yield replace(record, journal_only=True)
        elif not isinstance(record, _HISTORIES):
            yield record

"""Journal comparison: which rows of the gateway's journal the tables lack.

A known message or call lacks a row where its status or duration would differ with it. Other times than the webhooks'
are no difference, since the journal's are to the second; nor are prices, which webhooks do not report; nor is a foreign
id, which was in the first report, or was forgotten since.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection
from uuid_utils import uuid7

from operations.sent_messages import was_blanked
from seven.archive_records import ArchivedDelivery
from seven.digest import rcs_content, short_digest
from seven.envelope import Envelope
from seven.forgotten_numbers import ForgottenNumbers
from seven.journal import JOURNAL, JournalRow
from seven.record import JOINS, Record
from seven.records import Call, InboundMessage, Message, SentMessage
from seven.timestamps import latest_wall_reading
from store.delivery_rows import Projection
from store.projection import project_envelope
from store.projection_options import ProjectionOptions
from store.record_rows import RowKey, read_records, row_key

_PERSONAL = ("callerId", "recipient", "foreign_id")
_REPORTED = ("status", "final", "result", "duration_s")
"""What a webhook says of a message or call, but for times and what is personal."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """A row of the journal that the tables lack, as the delivery that its webhook would have been."""

    row: JournalRow
    is_new: bool
    """Whether nothing at all is known of it here; otherwise its latest status is not."""
    envelope: Envelope = field(repr=False)


def lacking(
    connection: Connection,
    rows: Sequence[JournalRow],
    received_at: datetime,
    options: ProjectionOptions,
    unread: Counter[str] | None = None,
) -> list[Lacking]:
    """Those of the rows that the tables lack. What names a forgotten number is left out.

    `received_at` is the time that their deliveries get; rows that are not understood are counted as `unread`.
    """
    reports: list[tuple[JournalRow, Envelope, Record]] = []
    for each in rows:
        if each.reports:
            row = _without_forgotten(each, options.forgotten)
            envelope = _envelope(row, received_at)
            projection = _projection(envelope, options)
            record = _record(projection)
            if record is not None:
                reports.append((row, envelope, record))
            elif unread is not None and projection.delivery.outcome != "applied":
                unread["a row is not understood"] += 1
    sent = [_sent_key(record) for _, _, record in reports if isinstance(record, Message)]
    stored = read_records(connection, [*sent, *(key for _, _, record in reports for key in row_keys(record))])
    result = []
    for row, envelope, record in reports:
        known = next((stored[key] for key in row_keys(record) if key in stored), None)
        if known is None:
            message = stored.get(_sent_key(record)) if isinstance(record, Message) else None
            is_forgotten = isinstance(message, SentMessage) and was_blanked(message)
            result.append(Lacking(row, True, _without_personal(envelope) if is_forgotten else envelope))
        elif isinstance(record, Message | Call) and _tells_more(known, record):
            result.append(Lacking(row, False, _without_personal(envelope)))
    return result


def record_of_row(row: JournalRow, received_at: datetime, options: ProjectionOptions) -> Record | None:
    """The record that a row is about; None where it is not understood, or names a forgotten number."""
    return _record(_projection(_envelope(row, received_at), options))


def _envelope(row: JournalRow, received_at: datetime) -> Envelope:
    return Envelope(
        id=str(uuid7()),
        event_type=row.webhook_event,
        received_at=received_at,
        request_method=JOURNAL,
        payload=row.payload,
    )


def _projection(envelope: Envelope, options: ProjectionOptions) -> Projection:
    return project_envelope(ArchivedDelivery(id=envelope.id), envelope, "", options=options)


def _record(projection: Projection) -> Record | None:
    if projection.delivery.outcome != "applied" or projection.is_blanked:
        return None
    return next((record for record in projection.records if isinstance(record, Message | InboundMessage | Call)), None)


def _sent_key(message: Message) -> RowKey:
    return row_key(SentMessage(message.msg_id))


def row_keys(record: Record) -> list[RowKey]:
    """The rows that may hold a record: that of its id, and that of a report that came without one."""
    keys = [row_key(record)]
    if isinstance(record, InboundMessage):
        readings = [record.sent_at, record.sent_at and latest_wall_reading(record.sent_at)]
        digests = {short_digest(*_content(record, at)) for at in readings}
        keys += [row_key(replace(record, id=digest)) for digest in sorted(digests)]
    elif isinstance(record, Call) and record.direction == "inbound":
        readings = [record.started_at, record.started_at and latest_wall_reading(record.started_at)]
        digests = {short_digest(record.caller, record.recipient, at) for at in readings}
        keys += [row_key(replace(record, call_id=digest)) for digest in sorted(digests)]
    return keys


def _content(message: InboundMessage, at: datetime | None) -> tuple[str | datetime | None, ...]:
    """What a message is known by that has no id."""
    if message.channel == "rcs":
        return rcs_content(message.sender, message.agent_id, at, message.text)
    return message.sender, message.recipient, at, message.text


def _tells_more(known: Record, record: Record) -> bool:
    """Whether a report says more of a known message or call."""
    merged = known.merge(record)
    names = (name for name in _REPORTED if name in JOINS[type(known)].field_joins)
    return any(getattr(known, name) != getattr(merged, name) for name in names)


def _without_forgotten(row: JournalRow, forgotten: ForgottenNumbers | None) -> JournalRow:
    """The row without its foreign id if its recipient was forgotten since: a worker cannot know, as no report says."""
    if forgotten is None or row.recipient is None or not forgotten.before(row.at).is_in(row.recipient):
        return row
    return replace(row, data={name: value for name, value in row.data.items() if name != "foreign_id"})


def _without_personal(envelope: Envelope) -> Envelope:
    """The delivery without the numbers and foreign id of a message or call: they are known, or were forgotten."""
    fields = envelope.fields
    data = {name: value for name, value in fields["data"].items() if name not in _PERSONAL}
    return replace(envelope, payload={**fields, "data": data})

"""Records: the rows that events project to, and the list of all records; every field declares its join."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from seven.archive_records import ArchivedDelivery, DeadLetter, DeadLetterFailure, LedgerMark
from seven.joins import earliest, evidence, greatest, key, standing, unanimous
from seven.record import Record, record_class


@record_class
class Message(Record):
    """The standing of one SMS we sent, by its latest status report."""

    table: ClassVar[str] = "messages"
    tracks_changes: ClassVar[bool] = True

    msg_id: str = key()
    final: bool | None = standing()
    status_at: datetime | None = standing(unless="undated")
    rank: int | None = standing()
    status: str | None = standing()
    result: str | None = standing()
    undated: bool | None = standing()
    foreign_id: str | None = greatest()
    first_seen_at: datetime | None = earliest(unless="journal_only")
    last_seen_at: datetime | None = greatest()
    delivered_at: datetime | None = earliest()
    read_at: datetime | None = earliest()
    journal_only: bool | None = unanimous()


@record_class
class MessageStatus(Record):
    """One status that a message has had."""

    table: ClassVar[str] = "message_statuses"
    history_of: ClassVar[tuple[str, ...]] = ("msg_id", "status")

    msg_id: str = key()
    status: str = key()
    at: datetime = key()
    undated: bool | None = evidence()


@record_class
class MessageReceipt(Record):
    """One time that a message was received by a telephone, or read by its owner."""

    table: ClassVar[str] = "message_receipts"
    history_of: ClassVar[tuple[str, ...]] = ("msg_id", "kind")

    msg_id: str = key()
    kind: str = key()
    at: datetime = key()
    undated: bool | None = evidence()


@record_class
class SentMessage(Record):
    """What we sent, to whom and at what price: by the gateway's journal, or as its sender wrote it here."""

    table: ClassVar[str] = "sent_messages"
    tracks_changes: ClassVar[bool] = True

    msg_id: str = key()
    sent_at: datetime | None = earliest()
    recipient: str | None = greatest()
    sender: str | None = greatest()
    label: str | None = greatest()
    foreign_id: str | None = greatest()
    mccmnc: str | None = greatest()
    channel: str | None = greatest()
    connection: str | None = greatest()
    text: str | None = greatest()
    journal_read_at: datetime | None = standing()
    price: Decimal | None = standing()


@record_class
class InboundMessage(Record):
    """One inbound message: an SMS, or one of another channel."""

    table: ClassVar[str] = "inbound_messages"
    tracks_changes: ClassVar[bool] = True

    id: str = key()
    sender: str | None = greatest()
    recipient: str | None = greatest()
    text: str | None = greatest()
    sent_at: datetime | None = earliest()
    message_type: str | None = greatest()
    channel: str | None = greatest(("sms", "rcs", "whatsapp"))
    """What came by another channel, too, is no mere SMS: `store/inbound_ids.py` does not merge it with others' SMS."""
    content_type: str | None = greatest()
    agent_id: str | None = greatest()
    postback: str | None = greatest()
    file_uri: str | None = greatest()
    mime_type: str | None = greatest()
    file_name: str | None = greatest()
    latitude: float | None = greatest()
    longitude: float | None = greatest()


@record_class
class Call(Record):
    """One inbound or outbound call, and its standing."""

    table: ClassVar[str] = "calls"
    tracks_changes: ClassVar[bool] = True

    direction: str = key()
    call_id: str = key()
    caller: str | None = greatest()
    recipient: str | None = greatest()
    final: bool | None = standing()
    status_at: datetime | None = standing(unless="undated")
    rank: int | None = standing()
    status: str | None = standing()
    undated: bool | None = standing()
    duration_s: int | None = greatest()
    price_per_minute: Decimal | None = greatest()
    total_price: Decimal | None = greatest()
    foreign_id: str | None = greatest()
    started_at: datetime | None = earliest(unless="journal_only")
    journal_only: bool | None = unanimous()


@record_class
class CallStatus(Record):
    """One status that a call has had."""

    table: ClassVar[str] = "call_statuses"
    history_of: ClassVar[tuple[str, ...]] = ("direction", "call_id", "status")

    direction: str = key()
    call_id: str = key()
    status: str = key()
    at: datetime = key()
    undated: bool | None = evidence()


@record_class
class CallDigit(Record):
    """One key that was pressed in a call."""

    table: ClassVar[str] = "call_digits"
    history_of: ClassVar[tuple[str, ...]] = ("direction", "call_id", "digit")

    direction: str = key()
    call_id: str = key()
    at: datetime = key()
    digit: str = key()
    undated: bool | None = evidence()


@record_class
class TrackedLink(Record):
    """One link in one message: a recipient's own short URL, with its clicks and views so far."""

    table: ClassVar[str] = "links"
    tracks_changes: ClassVar[bool] = True

    sms_id: str = key()
    tracking_url: str = key()
    label: str | None = greatest()
    final_url: str | None = greatest()
    clicks: int | None = greatest()
    views: int | None = greatest()
    first_at: datetime | None = earliest()
    last_total: int | None = standing()
    last_at: datetime | None = standing(lowest=True)


@record_class
class LinkEvent(Record):
    """The nth click or view of a link; a gap in `nth` is a webhook that never came."""

    table: ClassVar[str] = "link_events"

    sms_id: str = key()
    tracking_url: str = key()
    type: str = key()
    nth: int = key()
    at: datetime | None = earliest()


@record_class
class OptOut(Record):
    """Whether a number may be written to, by its latest STOP or START; of one second, STOP stands."""

    table: ClassVar[str] = "opt_outs"
    tracks_changes: ClassVar[bool] = True

    number: str = key()
    recipient: str = key()
    channel: str = key()
    since: datetime | None = standing()
    state: str | None = standing(("in", "out"))
    word: str | None = standing()
    inbound_id: str | None = standing()


@record_class
class OptOutEvent(Record):
    """One STOP or START of a number."""

    table: ClassVar[str] = "opt_out_events"
    history_of: ClassVar[tuple[str, ...]] = ("number", "recipient", "channel", "state", "inbound_id")

    number: str = key()
    recipient: str = key()
    channel: str = key()
    at: datetime = key()
    state: str = key()
    inbound_id: str = key()
    word: str | None = greatest()
    undated: bool | None = evidence()


WEBHOOK_STATES = ("uncovered", "late", "missed", "came")
"""What a webhook that did not come in time can be, each over those before it."""


@record_class
class MissedWebhook(Record):
    """A webhook that should be here by the gateway's journal, and did not come in time."""

    table: ClassVar[str] = "missed_webhooks"

    event_type: str = key()
    id: str = key()
    status: str = key()
    found_at: datetime | None = earliest()
    journal_at: datetime | None = earliest()
    came_at: datetime | None = earliest()
    state: str | None = greatest(WEBHOOK_STATES)


RECORDS: tuple[type[Record], ...] = (
    ArchivedDelivery, DeadLetter, DeadLetterFailure, LedgerMark,
    Message, MessageStatus, MessageReceipt, InboundMessage, Call, CallStatus, CallDigit, TrackedLink, LinkEvent,
    OptOut, OptOutEvent, MissedWebhook, SentMessage,
)  # fmt: skip
RECORD_BY_TABLE = {record.table: record for record in RECORDS}

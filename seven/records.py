"""Records: the rows that events project to, in our own names; every field declares its join.

Folding records is commutative, associative and idempotent, so repeats, retries, replays and racing workers all
produce the same rows. A record's table has its fields as columns, under the same names.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from seven.histories import keep_earliest
from seven.joins import Join, Shape, earliest, evidence, greatest, key, standing

OUTCOMES = ("parked", "quarantined", "dead", "discarded", "applied")  # from the lowest up in a standing


@dataclass(frozen=True, slots=True)
class Record:
    """One row of one table; `merge` is the join of its fields."""

    table: ClassVar[str]
    tracks_changes: ClassVar[bool] = False  # whether its table carries `changed_at`
    history_of: ClassVar[tuple[str, ...]] = ()
    """Of an entry of a history, the fields of its key without the time; empty for other records."""

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of the key's fields, in the order of their declaration."""
        return SHAPES[type(self)].key(self)

    def merge(self, other: Self) -> Self:
        """Merge two records with the same key."""
        joined: dict[str, Any] = {}
        shape = SHAPES[type(self)]
        for name, field_join in shape.independent.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if theirs != ours:
                joined[name] = field_join.merge(ours, theirs)
        if shape.sort_key(other) > shape.sort_key(self):
            joined.update((name, getattr(other, name)) for name in shape.names(Join.STANDING))
        return dataclasses.replace(self, **joined) if joined else self


def fold(records: Iterable[Record]) -> list[Record]:
    """Merge records into one per table and key, sorted by both: in this order, racing writers do not deadlock.

    Of the entries of a history without a time of their own, the earliest of each status.
    """
    folded: dict[tuple[str, tuple[Any, ...]], Record] = {}
    for record in records:
        row = (record.table, record.key)
        known = folded.get(row)
        folded[row] = record if known is None else known.merge(record)
    return keep_earliest(folded[row] for row in sorted(folded))


@dataclass(frozen=True, slots=True)
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
    first_seen_at: datetime | None = earliest()
    last_seen_at: datetime | None = greatest()
    delivered_at: datetime | None = earliest()


@dataclass(frozen=True, slots=True)
class MessageStatus(Record):
    """One status that a message has had."""

    table: ClassVar[str] = "message_statuses"
    history_of: ClassVar[tuple[str, ...]] = ("msg_id", "status")

    msg_id: str = key()
    status: str = key()
    at: datetime = key()
    undated: bool | None = evidence()


@dataclass(frozen=True, slots=True)
class InboundMessage(Record):
    """One inbound SMS."""

    table: ClassVar[str] = "inbound_messages"
    tracks_changes: ClassVar[bool] = True

    id: str = key()
    sender: str | None = greatest()
    recipient: str | None = greatest()
    text: str | None = greatest()
    sent_at: datetime | None = earliest()
    message_type: str | None = greatest()


@dataclass(frozen=True, slots=True)
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
    started_at: datetime | None = earliest()


@dataclass(frozen=True, slots=True)
class CallStatus(Record):
    """One status that a call has had."""

    table: ClassVar[str] = "call_statuses"
    history_of: ClassVar[tuple[str, ...]] = ("direction", "call_id", "status")

    direction: str = key()
    call_id: str = key()
    status: str = key()
    at: datetime = key()
    undated: bool | None = evidence()


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class LinkEvent(Record):
    """The nth click or view of a link; a gap in `nth` is a webhook that never came."""

    table: ClassVar[str] = "link_events"

    sms_id: str = key()
    tracking_url: str = key()
    type: str = key()
    nth: int = key()
    at: datetime | None = earliest()


@dataclass(frozen=True, slots=True)
class ArchivedDelivery(Record):
    """One accepted delivery: its payload and its outcome."""

    table: ClassVar[str] = "deliveries"

    id: str = key()
    event_type: str | None = greatest()
    queue: str | None = greatest()
    subject: str | None = greatest()
    received_at: datetime | None = earliest()
    event_at: datetime | None = earliest()
    request_method: str | None = greatest()
    source: str | None = greatest()
    payload: str | None = greatest()
    digest: str | None = greatest()
    outcome: str | None = standing(OUTCOMES)
    reason: str | None = standing()
    remark: str | None = standing()
    applied_at: datetime | None = earliest()
    ledger: str | None = greatest()
    ordinal: int | None = greatest()


@dataclass(frozen=True, slots=True)
class DeadLetter(Record):
    """One delivery that could not be applied; its whole envelope, so that it can be replayed."""

    table: ClassVar[str] = "dead_letters"

    id: str = key()
    event_type: str | None = greatest()
    envelope: str | None = greatest()
    failed_at: datetime | None = standing()
    reason: str | None = standing()
    attempts: int | None = greatest()
    replayed_at: datetime | None = greatest()
    discarded_at: datetime | None = greatest()


@dataclass(frozen=True, slots=True)
class Failure(Record):
    """One failed attempt at a dead letter: its history, replays included."""

    table: ClassVar[str] = "dead_letter_failures"

    id: str = key()
    attempt: int = key()
    failed_at: datetime | None = earliest()
    reason: str | None = greatest()


@dataclass(frozen=True, slots=True)
class LedgerMark(Record):
    """The last ordinal seen of one queue in one life of the ledger: it survives a loss of the Redis data."""

    table: ClassVar[str] = "ledger_marks"

    ledger: str = key()
    queue: str = key()
    last_ordinal: int | None = greatest()
    born_at: datetime | None = earliest()
    seen_at: datetime | None = greatest()


RECORDS: tuple[type[Record], ...] = (
    ArchivedDelivery, DeadLetter, Failure, LedgerMark,
    Message, MessageStatus, InboundMessage, Call, CallStatus, TrackedLink, LinkEvent,
)  # fmt: skip


SHAPES: dict[type[Record], Shape] = {record: Shape(record) for record in RECORDS}

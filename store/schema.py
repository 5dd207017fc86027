"""Schema: one table for each record, with the record's fields as columns. `migrations/` is its history.

All times are aware UTC, vendor ids are text, prices are exact decimals. On PostgreSQL everything lives in the schema
`seven`, and tables that grow for ever are partitioned by week (`partitions.py`). `changed_at`, where a table has it, is
the database's own time of the last effective change: the one column that is no join, so that other programs can read
what is new since their last look (`docs/react.md`).
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, text

from store.types import CodePointText, Euros, Time

SCHEMA = "seven"

NOT_APPLIED = text("outcome <> 'applied'")
WITH_PAYLOAD = text("payload IS NOT NULL")
WITH_TEXT = text("text IS NOT NULL")

OPEN_OUTCOMES = ("parked", "quarantined", "dead")
"""Outcomes that an operator has to handle."""
CLOSED_OUTCOMES = ("discarded", "applied")
"""Outcomes that need no further handling."""

metadata = MetaData(schema=SCHEMA, naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s"})


def _key(name: str, kind: Any = CodePointText) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _changed_at() -> Column[Any]:
    return Column("changed_at", Time, nullable=False, index=True)  # read by docs/react.md's cursor


def _undated() -> Column[Any]:
    """Whether the gateway reported no time, so that the time is that of the earliest report; NULL if it did.

    False in a history: it did, and the earliest report without a time has the same time.
    """
    return Column("undated", Boolean)


deliveries = Table(
    "deliveries",
    metadata,
    _key("id"),  # uuid7: sorts by time of receipt
    Column("event_type", CodePointText),  # as sent; NULL if the delivery named none
    Column("queue", CodePointText),  # its ordinal counts within this: the event type, or `parked` for an unknown one
    Column("subject", CodePointText, index=True),  # the key of the record that it reports on; read by `trace`
    Column("received_at", Time),
    Column("applied_at", Time),
    Column("event_at", Time),
    Column("request_method", CodePointText),  # JSON, POST or GET
    Column("source", CodePointText),  # the client address; blanked with the payload
    Column("payload", CodePointText),  # ASCII JSON as decoded, or `base64:` and the bytes
    Column("digest", CodePointText),  # equal for repeats
    Column("outcome", CodePointText),  # parked < quarantined < dead < discarded < applied
    Column("reason", CodePointText),
    Column("remark", CodePointText),  # fields that an applied delivery was understood without, each with the reason
    Column("ledger", CodePointText),  # the ledger's life
    Column("ordinal", BigInteger),
    Index("ix_deliveries_ledger_queue_ordinal", "ledger", "queue", "ordinal"),  # read by `audit`
    # read by `dead`; few rows
    Index("ix_deliveries_outcome_id", "outcome", "id", postgresql_where=NOT_APPLIED, sqlite_where=NOT_APPLIED),
    # read by `retain`: blanked rows leave it
    Index(
        "ix_deliveries_outcome_received_at",
        "outcome",
        "received_at",
        postgresql_where=WITH_PAYLOAD,
        sqlite_where=WITH_PAYLOAD,
    ),
    postgresql_partition_by="RANGE (id)",
)

messages = Table(
    "messages",
    metadata,
    _key("msg_id"),
    Column("status", CodePointText),
    Column("result", CodePointText),  # delivered, failed, pending, unknown
    Column("final", Boolean),
    Column("status_at", Time),
    Column("rank", Integer),
    Column("foreign_id", CodePointText, index=True),  # read by `trace`, and to join with what was sent
    Column("first_seen_at", Time),
    Column("last_seen_at", Time),  # of the reports with a time
    _changed_at(),
    _undated(),  # of this status
)

message_statuses = Table(
    "message_statuses",
    metadata,
    _key("msg_id"),
    _key("status"),
    _key("at", Time),
    _undated(),
    Index("ix_message_statuses_at", "at"),  # read by `retain`, as that of every history
    postgresql_partition_by="RANGE (at)",
)

inbound_messages = Table(
    "inbound_messages",
    metadata,
    _key("id"),
    Column("sender", CodePointText),
    Column("recipient", CodePointText),  # our number, the vendor's `system`
    Column("text", CodePointText),
    Column("sent_at", Time, index=True),  # read by `retain`
    Column("message_type", CodePointText),
    _changed_at(),
    # read by `retain`: blanked rows leave it
    Index("ix_inbound_messages_sent_at_text", "sent_at", postgresql_where=WITH_TEXT, sqlite_where=WITH_TEXT),
)

calls = Table(
    "calls",
    metadata,
    _key("direction"),  # inbound, outbound
    _key("call_id"),
    Column("caller", CodePointText),
    Column("recipient", CodePointText),
    Column("status", CodePointText),
    Column("final", Boolean),
    Column("status_at", Time),
    Column("rank", Integer),
    Column("duration_s", BigInteger),
    Column("price_per_minute", Euros),
    Column("total_price", Euros),
    Column("foreign_id", CodePointText, index=True),  # read by `trace`, and to join with what was placed
    Column("started_at", Time),
    _changed_at(),
    _undated(),  # of this status
)

call_statuses = Table(
    "call_statuses",
    metadata,
    _key("direction"),
    _key("call_id"),
    _key("status"),
    _key("at", Time),
    _undated(),
    Index("ix_call_statuses_at", "at"),  # read by `retain`
    postgresql_partition_by="RANGE (at)",
)

links = Table(
    "links",
    metadata,
    _key("sms_id"),
    _key("tracking_url"),
    Column("label", CodePointText),
    Column("final_url", CodePointText),
    Column("clicks", BigInteger),
    Column("views", BigInteger),
    Column("first_at", Time),
    Column("last_at", Time),
    _changed_at(),
    Column("last_total", BigInteger),  # clicks and views together at `last_at`
)

link_events = Table(
    "link_events",
    metadata,
    _key("sms_id"),
    _key("tracking_url"),
    _key("type"),
    _key("nth", BigInteger),
    Column("at", Time),
    Index("ix_link_events_at", "at"),  # read by `retain`
)

dead_letters = Table(
    "dead_letters",
    metadata,
    _key("id"),  # the delivery's
    Column("event_type", CodePointText),
    Column("envelope", CodePointText),  # whole, for its replay
    Column("reason", CodePointText),
    Column("failed_at", Time),
    Column("attempts", BigInteger),
    Column("replayed_at", Time),
    Column("discarded_at", Time),
)

dead_letter_failures = Table(
    "dead_letter_failures",
    metadata,
    _key("id"),  # the delivery's
    _key("attempt", BigInteger),  # from 1
    Column("failed_at", Time),
    Column("reason", CodePointText),
)

ledger_marks = Table(
    "ledger_marks",
    metadata,
    _key("ledger"),  # a life
    _key("queue"),
    Column("last_ordinal", BigInteger),  # the highest one seen in use
    Column("born_at", Time),
    Column("seen_at", Time),
    Column("closed_at", Time),  # when an operator acknowledged the end of this life
)

tallies = Table(  # ordinals whose rows are known to be gone or doubled; the audit subtracts them
    "tallies",
    metadata,
    _key("ledger"),
    _key("queue"),
    _key("fate"),  # removed: by retention; lost, doubled: acknowledged by an operator
    _key("first_ordinal", BigInteger),
    Column("last_ordinal", BigInteger),  # of a run without a gap
    Column("received_at", Time),  # of the latest among them; NULL if unknown
    Column("tallied_at", Time),
)

fences = Table(
    "fences",
    metadata,
    _key("name"),
    Column("generation", BigInteger),  # a new one with each pass of an erasure (`fence.py`)
)

hook_changes = Table(
    "hook_changes",
    metadata,
    _key("id"),
    Column("at", Time),
    Column("action", CodePointText),
    Column("hook_id", CodePointText),
    Column("event_type", CodePointText),
    Column("request_method", CodePointText),
    Column("event_filter", CodePointText),
    Column("applied", Boolean),
    Column("reason", CodePointText),
)

"""Operations: the tables of the service's own accounts."""

from sqlalchemy import BigInteger, Boolean, Table

from store.schema.columns import column, key, metadata
from store.types import CodePointText, Time

ledger_marks = Table(
    "ledger_marks",
    metadata,
    key("ledger", "A life of the ledger: from one empty start of Redis to the next"),
    key("queue", "A queue of the ledger: an event type, or parked"),
    column("last_ordinal", BigInteger, "The highest ordinal seen in use"),
    column("born_at", Time, "When this life began"),
    column("seen_at", Time, "When it was last seen"),
    column("closed_at", Time, "When an operator acknowledged that it ended"),
    comment="How far each queue has counted: it survives a loss of Redis, and the audit compares with it",
)

tallies = Table(
    "tallies",
    metadata,
    key("ledger", "As in ledger_marks"),
    key("queue", "As in ledger_marks"),
    key("fate", "removed: by retention; lost or doubled: acknowledged by an operator"),
    key("first_ordinal", "The first of a run without a gap", BigInteger),
    column("last_ordinal", BigInteger, "The last of the run"),
    column("received_at", Time, "When the latest of them was received; NULL if unknown"),
    column("tallied_at", Time, "When this was noted"),
    comment="Ordinals whose rows are known to be gone or doubled: the audit subtracts them",
)

fences = Table(
    "fences",
    metadata,
    key("name", "Whose fence it is"),
    column("generation", BigInteger, "Raised by each pass of an erasure: earlier workers can no longer write"),
    comment="What keeps a stalled worker from undoing an erasure",
)

hook_changes = Table(
    "hook_changes",
    metadata,
    key("id", "UUID of version 7, so ids sort by time"),
    column("at", Time, "When it was seen or done"),
    column("action", CodePointText, "missing, drifted, surplus, stranger, created, removed or refused"),
    column("hook_id", CodePointText, "The gateway's id of the hook"),
    column("event_type", CodePointText, "That of the hook"),
    column("request_method", CodePointText, "JSON, POST or GET"),
    column("event_filter", CodePointText, "The hook's filter, as the gateway has it"),
    column("applied", Boolean, "Whether it was done, and not only reported"),
    column("reason", CodePointText, "Why"),
    comment="What differed between the gateway's hooks and the desired ones, and what was done about it",
)

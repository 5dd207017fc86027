"""Archive: the tables of deliveries as they came, and of those that could not be applied."""

from sqlalchemy import BigInteger, Table, literal_column, text

from store.schema.columns import column, index, key, metadata
from store.types import CodePointText, Time

_NOT_APPLIED = text("outcome <> 'applied'")
WITH_PAYLOAD = text("payload IS NOT NULL")

deliveries = Table(
    "deliveries",
    metadata,
    key("id", "UUID of version 7, so ids sort by time of receipt: WHERE id >= seven.first_delivery_id('2026-01-01')"),
    column(
        "event_type",
        CodePointText,
        "dlr, sms_mo, tracking, …; an unknown one as sent; NULL if none was",
    ),
    column("queue", CodePointText, "Its ordinal counts within this: the event type, or parked for an unknown one"),
    column("subject", CodePointText, "The key of the record that it reports on, its parts joined by a space"),
    column("received_at", Time, "When the receiver had it; its id says the same, and is faster to search by"),
    column("applied_at", Time, "When a worker turned it into rows; NULL if that was not possible"),
    column("event_at", Time, "When the event happened, by its payload; by its receipt where the payload has no time"),
    column(
        "request_method", CodePointText, "JSON, POST or GET: how the gateway sent it; JOURNAL: read from its journal"
    ),
    column("source", CodePointText, "The address of the client; blanked with the payload"),
    column("payload", CodePointText, "What it said: ASCII JSON as decoded, or base64: and the bytes; blanked when old"),
    column("digest", CodePointText, "SHA-256 of the event: equal for repeats; blanked with the payload"),
    column("outcome", CodePointText, "parked, quarantined, dead, discarded or applied"),
    column("reason", CodePointText, "Why it was not applied"),
    column("remark", CodePointText, "Fields that it was understood without, each with the reason"),
    column("ledger", CodePointText, "The ledger's life that accepted it: from one empty start of Redis to the next"),
    column("ordinal", BigInteger, "Its number within ledger and queue, without gaps: a missing one is a loss"),
    column("record", CodePointText, "The table of the record that it reports on; NULL: that of its event type"),
    index("ix_deliveries_subject", ["subject"], "trace, rebuild: the deliveries about a record"),
    index("ix_deliveries_ledger_queue_ordinal", ["ledger", "queue", "ordinal"], "audit: ordinals without a row"),
    index("ix_deliveries_outcome_id", ["outcome", "id"], "dead: those of one outcome; few rows", _NOT_APPLIED),
    index(
        "ix_deliveries_outcome_received_at",
        ["outcome", "received_at"],
        "retention: payloads to blank; blanked rows leave it",
        WITH_PAYLOAD,
    ),
    index(
        "ix_deliveries_unapplied_id",
        ["id"],
        "console: what was not applied, the latest first; few rows, so an applied delivery costs nothing",
        _NOT_APPLIED,
    ),
    comment="Every delivery that was accepted, once for each time that the gateway sent it",
    postgresql_partition_by="RANGE (id)",
)
NOT_APPLIED = deliveries.c.outcome != literal_column("'applied'")
"""Few rows. It is spelled as in the partial indexes that have them: a bound value may be unknown to a planner."""

dead_letters = Table(
    "dead_letters",
    metadata,
    key("id", "That of the delivery"),
    column("event_type", CodePointText, "That of the delivery"),
    column("envelope", CodePointText, "The whole delivery, for its replay; blanked when old"),
    column("reason", CodePointText, "Why the last attempt failed"),
    column("failed_at", Time, "When the last attempt failed"),
    column("attempts", BigInteger, "How many attempts failed"),
    column("replayed_at", Time, "When an operator replayed it; NULL if nobody has"),
    column("discarded_at", Time, "When an operator discarded it; NULL if nobody has"),
    comment="Deliveries that were understood and could not be applied, each whole: seven-ingest dead",
)

dead_letter_failures = Table(
    "dead_letter_failures",
    metadata,
    key("id", "That of the delivery"),
    key("attempt", "From 1", BigInteger),
    column("failed_at", Time, "When this attempt failed"),
    column("reason", CodePointText, "Why this attempt failed"),
    comment="The failed attempts at each dead letter, replays included",
)

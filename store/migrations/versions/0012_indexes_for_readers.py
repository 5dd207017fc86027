"""Indexes for people who look: histories of numbers, lists by day, short URLs, labels, ids in any case.

Version 0.1.0 stored numbers and labels of any length. No row of an index of PostgreSQL may be longer than 2,704 bytes,
so the long ones are shortened first; where the payload is still kept, it has the whole.
"""

from operator import methodcaller

from alembic import op
from sqlalchemy import text

from store.beside_traffic import NewIndex, analyze, build_index, in_short_transaction, outside_transaction

revision = "0012"
down_revision = "0011"

HOUR = {
    "postgresql": "(date_trunc('hour', first_seen_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')",
    "sqlite": "substr(first_seen_at, 1, 13) || ':00:00.000000+00:00'",
}
INDEXES = [
    NewIndex("messages", "ix_messages_first_seen_at_msg_id", "first_seen_at, msg_id"),
    NewIndex(
        "messages",
        "ix_messages_result_first_seen_at_msg_id",
        "result, first_seen_at, msg_id",
        "result <> 'delivered'",
    ),
    NewIndex("messages", "ix_messages_lower_foreign_id", "lower(foreign_id)"),
    NewIndex("inbound_messages", "ix_inbound_messages_sender", "sender"),
    NewIndex("calls", "ix_calls_started_at_direction_call_id", "started_at, direction, call_id"),
    NewIndex("calls", "ix_calls_caller", "caller", "caller IS NOT NULL"),
    NewIndex("calls", "ix_calls_recipient", "recipient", "recipient IS NOT NULL"),
    NewIndex("calls", "ix_calls_lower_foreign_id", "lower(foreign_id)"),
    NewIndex("links", "ix_links_tracking_url", "tracking_url"),
    NewIndex("links", "ix_links_label_first_at", "label, first_at", "label IS NOT NULL"),
    NewIndex("links", "ix_links_first_at", "first_at"),
    NewIndex("deliveries", "ix_deliveries_unapplied_id", "id", "outcome <> 'applied'"),
]

SHORTEN = [
    text(
        f"UPDATE seven.{table} SET {column} = left({column}, 255)"  # noqa: S608 - no input
        f" WHERE octet_length({column}) > 255"
    )
    for table, column in (
        ("links", "label"),
        ("inbound_messages", "sender"),
        ("calls", "caller"),
        ("calls", "recipient"),
    )
]


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    hours = NewIndex("messages", "ix_messages_first_seen_hour", HOUR[dialect])
    if dialect == "sqlite":
        for index in (hours, *INDEXES):
            op.execute(f"CREATE INDEX {index.name} ON {index.table} {index.definition}".replace(":", r"\:"))
        return
    with outside_transaction() as engine:
        for shorten in SHORTEN:
            in_short_transaction(engine, methodcaller("execute", shorten))
        for index in (hours, *INDEXES):
            build_index(engine, index)
        for table in ("messages", "links", "link_events"):  # an index on an expression knows nothing before
            analyze(engine, table)

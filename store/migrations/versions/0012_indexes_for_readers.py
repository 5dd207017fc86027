"""Indexes for people who look: histories of numbers, lists by day, short URLs, labels, ids in any case."""

from alembic import op

from store.beside_traffic import NewIndex, analyze, build_index, outside_transaction

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


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    hours = NewIndex("messages", "ix_messages_first_seen_hour", HOUR[dialect])
    if dialect == "sqlite":
        for index in (hours, *INDEXES):
            op.execute(f"CREATE INDEX {index.name} ON {index.table} {index.definition}".replace(":", r"\:"))
        return
    with outside_transaction() as engine:
        for index in (hours, *INDEXES):
            build_index(engine, index)
        for table in ("messages", "links", "link_events"):  # an index on an expression knows nothing before
            analyze(engine, table)

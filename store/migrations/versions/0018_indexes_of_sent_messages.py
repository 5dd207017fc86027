"""Indexes for people who look: what was sent to a number, lists of sent messages and of missed webhooks."""

from alembic import op

from store.beside_traffic import NewIndex, analyze, build_index, drop_index, outside_transaction

revision = "0018"
down_revision = "0017"

INDEXES = [
    NewIndex("sent_messages", "ix_sent_messages_sent_at_msg_id", "sent_at, msg_id"),
    NewIndex("sent_messages", "ix_sent_messages_label_sent_at_msg_id", "label, sent_at, msg_id", "label IS NOT NULL"),
    NewIndex("sent_messages", "ix_sent_messages_recipient", "recipient", "recipient IS NOT NULL"),
    NewIndex("sent_messages", "ix_sent_messages_lower_foreign_id", "lower(foreign_id)", "foreign_id IS NOT NULL"),
    NewIndex(
        "missed_webhooks", "ix_missed_webhooks_journal_at_event_type_id_status", "journal_at, event_type, id, status"
    ),
]
REPLACED = ("ix_sent_messages_sent_at", "ix_sent_messages_label_sent_at", "ix_missed_webhooks_journal_at")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for index in INDEXES:
            op.execute(f"CREATE INDEX {index.name} ON {index.table} {index.definition}")
        for name in REPLACED:
            op.execute(f"DROP INDEX {name}")
        return
    with outside_transaction() as engine:
        for index in INDEXES:
            build_index(engine, index)
        for name in REPLACED:
            drop_index(engine, name)
        analyze(engine, "sent_messages")  # an index on an expression knows nothing before

"""Indexes for retention."""

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None

    def index(name: str, table: str, *columns: str, where: str | None = None) -> None:
        condition = None if where is None else text(where)
        op.create_index(name, table, list(columns), schema=schema, postgresql_where=condition, sqlite_where=condition)

    index(
        "ix_deliveries_outcome_received_at", "deliveries", "outcome", "received_at", where="payload IS NOT NULL"
    )  # fmt: skip
    index("ix_inbound_messages_sent_at", "inbound_messages", "sent_at")
    index("ix_inbound_messages_sent_at_text", "inbound_messages", "sent_at", where="text IS NOT NULL")
    for history in ("message_statuses", "call_statuses", "link_events"):
        index(f"ix_{history}_at", history, "at")

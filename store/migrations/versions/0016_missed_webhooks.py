"""What the journal says that webhooks did not, and when which hooks should have brought it."""

from alembic import op
from sqlalchemy import Column, text

from store.types import CodePointText, Time
from store.views import create_view

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    connection = op.get_bind()
    schema = "seven" if connection.dialect.name == "postgresql" else None
    op.create_table(
        "missed_webhooks",
        Column("event_type", CodePointText, primary_key=True),
        Column("id", CodePointText, primary_key=True),
        Column("status", CodePointText, primary_key=True),
        Column("found_at", Time),
        Column("journal_at", Time),
        Column("came_at", Time),
        Column("state", CodePointText),
        schema=schema,
    )
    op.create_table(
        "hook_spans",
        Column("hook_id", CodePointText, primary_key=True),
        Column("first_at", Time, primary_key=True),
        Column("account", CodePointText),
        Column("event_type", CodePointText),
        Column("filter_digest", CodePointText),
        Column("last_at", Time),
        Column("closed_at", Time),
        schema=schema,
    )
    op.create_index("ix_missed_webhooks_journal_at", "missed_webhooks", ["journal_at"], schema=schema)
    op.create_index("ix_hook_spans_last_at", "hook_spans", ["last_at"], schema=schema)
    op.execute(text(create_view("missed_by_day", connection.dialect.name)))

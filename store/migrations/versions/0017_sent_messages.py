"""What we sent, to whom and at what price; a view of messages with all that is known of them.

Workers of an earlier version may still run: they know neither.
"""

from alembic import op
from sqlalchemy import Column, text

from store.types import CodePointText, Euros, Time
from store.views import create_view

revision = "0017"
down_revision = "0016"

WITH_TEXT = text("text IS NOT NULL")
WITH_LABEL = text("label IS NOT NULL")


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    schema = "seven" if dialect == "postgresql" else None
    op.create_table(
        "sent_messages",
        Column("msg_id", CodePointText, primary_key=True),
        Column("sent_at", Time),
        Column("recipient", CodePointText),
        Column("sender", CodePointText),
        Column("label", CodePointText),
        Column("foreign_id", CodePointText),
        Column("price", Euros),
        Column("mccmnc", CodePointText),
        Column("channel", CodePointText),
        Column("connection", CodePointText),
        Column("text", CodePointText),
        Column("journal_read_at", Time),
        Column("changed_at", Time, nullable=False),
        schema=schema,
    )
    for name, columns, where in (
        ("changed_at", ["changed_at"], None),
        ("sent_at", ["sent_at"], None),
        ("sent_at_text", ["sent_at"], WITH_TEXT),
        ("label_sent_at", ["label", "sent_at"], WITH_LABEL),
    ):
        op.create_index(
            f"ix_sent_messages_{name}",
            "sent_messages",
            columns,
            schema=schema,
            postgresql_where=where,
            sqlite_where=where,
        )
    op.execute(text(create_view("message_details", dialect).replace(":", r"\:")))

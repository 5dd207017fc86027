"""RCS, key presses, WhatsApp and opt-outs; which record a delivery reports on.

Workers of an earlier version may still run: they leave the new columns as they are, and NULL in `deliveries.record`
means what it meant to them. The default of `channel` rewrites no row.
"""

from alembic import op
from sqlalchemy import Boolean, Column, Double, text

from store.exclusive_lock import lock_exclusively
from store.types import CodePointText, Time
from store.views import create_view

revision = "0014"
down_revision = "0013"

OUT = text("state = 'out'")


def upgrade() -> None:
    connection = op.get_bind()
    schema = "seven" if connection.dialect.name == "postgresql" else None
    if schema:  # in the order in which workers lock them; and calls, since 0015 is usually in the same transaction
        lock_exclusively(connection, ["calls", "deliveries", "inbound_messages", "messages"])
    op.add_column("deliveries", Column("record", CodePointText), schema=schema)
    op.add_column("messages", Column("read_at", Time), schema=schema)
    op.add_column("inbound_messages", Column("channel", CodePointText, server_default="sms"), schema=schema)
    for name in ("content_type", "agent_id", "postback", "file_uri", "mime_type", "file_name"):
        op.add_column("inbound_messages", Column(name, CodePointText), schema=schema)
    for name in ("latitude", "longitude"):
        op.add_column("inbound_messages", Column(name, Double), schema=schema)
    op.create_table(
        "message_receipts",
        Column("msg_id", CodePointText, primary_key=True),
        Column("kind", CodePointText, primary_key=True),
        Column("at", Time, primary_key=True),
        Column("undated", Boolean),
        schema=schema,
    )
    op.create_table(
        "call_digits",
        Column("direction", CodePointText, primary_key=True),
        Column("call_id", CodePointText, primary_key=True),
        Column("at", Time, primary_key=True),
        Column("digit", CodePointText, primary_key=True),
        Column("undated", Boolean),
        schema=schema,
    )
    op.create_table(
        "opt_outs",
        Column("number", CodePointText, primary_key=True),
        Column("recipient", CodePointText, primary_key=True),
        Column("channel", CodePointText, primary_key=True),
        Column("state", CodePointText),
        Column("word", CodePointText),
        Column("since", Time),
        Column("inbound_id", CodePointText),
        Column("changed_at", Time, nullable=False),
        schema=schema,
    )
    op.create_table(
        "opt_out_events",
        Column("number", CodePointText, primary_key=True),
        Column("recipient", CodePointText, primary_key=True),
        Column("channel", CodePointText, primary_key=True),
        Column("at", Time, primary_key=True),
        Column("state", CodePointText, primary_key=True),
        Column("inbound_id", CodePointText, primary_key=True),
        Column("word", CodePointText),
        Column("undated", Boolean),
        schema=schema,
    )
    op.create_table(
        "forgotten",
        Column("hash", CodePointText, primary_key=True),
        Column("at", Time),
        Column("fingerprint", CodePointText),
        schema=schema,
    )
    op.create_index("ix_message_receipts_at", "message_receipts", ["at"], schema=schema)
    op.create_index("ix_call_digits_at", "call_digits", ["at"], schema=schema)
    op.create_index("ix_opt_outs_changed_at", "opt_outs", ["changed_at"], schema=schema)
    op.create_index("ix_opt_outs_since", "opt_outs", ["since"], schema=schema, postgresql_where=OUT, sqlite_where=OUT)
    op.execute(text(create_view("opted_out", connection.dialect.name)))

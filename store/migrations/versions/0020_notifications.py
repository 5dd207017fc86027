"""Notifications: what became of changes for each subscriber."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, text

from store.schema import SCHEMA
from store.types import CodePointText, Time

revision = "0020"
down_revision = "0019"

TO_FAN_OUT = text("fanned_out_at IS NULL")
DUE = text("due_at IS NOT NULL")


def upgrade() -> None:
    is_server = op.get_bind().dialect.name == "postgresql"
    schema = SCHEMA if is_server else None
    for column in (Column("reaction", CodePointText), Column("any_age", Boolean), Column("fanned_out_at", Time)):
        op.add_column("changes", column, schema=schema)
    op.create_index(
        "ix_changes_to_fan_out",
        "changes",
        ["seq"],
        schema=schema,
        postgresql_where=TO_FAN_OUT,
        sqlite_where=TO_FAN_OUT,
    )
    for name, kind in (
        ("begun_topics", CodePointText),
        ("registered_at", Time),
        ("reason", CodePointText),
        ("failing_since", Time),
        ("last_failure", CodePointText),
        ("succeeded_at", Time),
    ):
        op.add_column("reactions", Column(name, kind), schema=schema)
    if not is_server:
        return  # in a file of its own
    op.create_table(
        "notifications",
        Column("reaction", CodePointText, primary_key=True),
        Column("path", CodePointText, primary_key=True),
        Column("key", CodePointText, primary_key=True),
        Column("seq", BigInteger),
        Column("topic", CodePointText),
        Column("was", CodePointText),
        Column("now", CodePointText),
        Column("at", Time),
        Column("delivery_id", CodePointText),
        Column("noted_at", Time),
        Column("state", CodePointText),
        Column("due_at", Time),
        Column("claim", CodePointText),
        Column("attempts", Integer),
        Column("last_failure", CodePointText),
        Column("settled_at", Time),
        schema=schema,
    )
    due = ["reaction", "due_at"]
    op.create_index("ix_notifications_due", "notifications", due, schema=schema, postgresql_where=DUE)
    op.create_index("ix_notifications_key", "notifications", ["key"], schema=schema)
    op.create_index("ix_notifications_settled_at", "notifications", ["settled_at"], schema=schema)

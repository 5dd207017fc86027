"""What is known from the gateway's journal alone: a mark in messages and calls.

Workers of an earlier version may still run: they leave the mark as it is.
"""

from alembic import op
from sqlalchemy import Boolean, Column

from store.exclusive_lock import lock_exclusively

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    connection = op.get_bind()
    schema = "seven" if connection.dialect.name == "postgresql" else None
    if schema:  # in the order in which workers lock them
        lock_exclusively(connection, ["calls", "messages"])
    for table in ("messages", "calls"):
        op.add_column(table, Column("journal_only", Boolean), schema=schema)

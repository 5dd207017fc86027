"""Changes: how standings of records moved, and who subscribes to that."""

from alembic import op
from sqlalchemy import BigInteger, Column, Identity, Integer

from store.schema import SCHEMA
from store.types import CodePointText, Time

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    schema = SCHEMA if op.get_bind().dialect.name == "postgresql" else None
    op.create_table(
        "changes",
        Column("seq", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
        Column("topic", CodePointText),
        Column("key", CodePointText),
        Column("was", CodePointText),
        Column("now", CodePointText),
        Column("at", Time),
        Column("delivery_id", CodePointText),
        Column("noted_at", Time),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_key", "changes", ["key"], schema=schema)
    op.create_index("ix_changes_noted_at", "changes", ["noted_at"], schema=schema)
    op.create_table(
        "reactions",
        Column("name", CodePointText, primary_key=True),
        Column("topics", CodePointText),
        Column("since", Time),
        Column("state", CodePointText),
        schema=schema,
    )

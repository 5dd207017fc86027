"""The fence that keeps a stalled worker from undoing an erasure."""

from alembic import op
from sqlalchemy import BigInteger, Column

from store.types import CodePointText

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None
    op.create_table(
        "fences",
        Column("name", CodePointText, primary_key=True, autoincrement=False),
        Column("generation", BigInteger),
        schema=schema,
    )

"""Remarks: which fields of an applied delivery made no sense and were ignored. `reason` belongs to the outcome."""

from alembic import op
from sqlalchemy import Column

from store.exclusive_lock import lock_exclusively
from store.types import CodePointText

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None
    if schema:
        lock_exclusively(op.get_bind(), ["deliveries"])
    op.add_column("deliveries", Column("remark", CodePointText), schema=schema)

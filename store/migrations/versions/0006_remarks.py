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
        # 0007 to 0010 are usually in the same transaction: none of their tables is waited for while others are locked
        lock_exclusively(
            op.get_bind(),
            ["call_statuses", "calls", "deliveries", "link_events", "links", "message_statuses", "messages"],
        )
    op.add_column("deliveries", Column("remark", CodePointText), schema=schema)

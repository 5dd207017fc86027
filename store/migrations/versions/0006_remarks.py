"""Remarks: which fields of an applied delivery made no sense and were ignored. `reason` belongs to the outcome."""

from alembic import op
from sqlalchemy import Column

from store.exclusive_lock import lock_exclusively
from store.types import CodePointText

revision = "0006"
down_revision = "0005"

TABLES = ("call_statuses", "calls", "deliveries", "link_events", "links", "message_statuses", "messages")
VIEWS = ("call_costs", "delivery_rates", "link_activity", "link_totals")


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None
    if schema:
        # 0007 to 0010 are usually in the same transaction: nothing of theirs is waited for while others are locked.
        # Views first: who reads one has locked it before its tables
        lock_exclusively(op.get_bind(), [*VIEWS, *TABLES])
    op.add_column("deliveries", Column("remark", CodePointText), schema=schema)

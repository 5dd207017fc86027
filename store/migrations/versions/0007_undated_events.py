"""Which times are the gateway's own, and which activity of a link was the last one: no repeat moves either.

The rows from before keep what they say: a status without a time counts as one with it, until `rebuild`. Each link is
written once, with the number of its last activity.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, column, func, or_, table, update

from store.exclusive_lock import lock_exclusively

revision = "0007"
down_revision = "0006"

UNDATED = ("call_statuses", "calls", "message_statuses", "messages")


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None
    if schema:
        lock_exclusively(op.get_bind(), [*UNDATED, "links"])
    for name in UNDATED:
        op.add_column(name, Column("undated", Boolean), schema=schema)
    op.add_column("links", Column("last_total", BigInteger), schema=schema)
    links = table("links", column("clicks"), column("views"), column("last_total"), schema=schema)
    total = func.coalesce(links.c.clicks, 0) + func.coalesce(links.c.views, 0)
    counted = or_(links.c.clicks.is_not(None), links.c.views.is_not(None))
    op.execute(update(links).where(counted).values(last_total=total))

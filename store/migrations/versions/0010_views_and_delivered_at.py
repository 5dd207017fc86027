"""When a message was first reported as delivered; views that an index answers, with the columns that were missed.

Workers of an earlier version may still run: they leave `delivered_at` as it is.
"""

from alembic import op
from sqlalchemy import Column, text

from store.exclusive_lock import lock_exclusively
from store.types import Time
from store.views import create_view

revision = "0010"
down_revision = "0009"

# Told the truth, that nearly every URL is another one, PostgreSQL expects one row of links joined to their events.
# With a hundredth it expects a hundred, and still looks a short URL up by its index.
URLS = -0.01

VIEWS = ("delivery_rates", "link_totals", "link_activity", "call_costs")


def upgrade() -> None:
    connection = op.get_bind()
    schema = "seven" if connection.dialect.name == "postgresql" else None
    if schema:  # views first, which their readers lock before the tables; these in the order in which workers lock them
        lock_exclusively(connection, [*VIEWS, "calls", "link_events", "links", "messages"])
    op.add_column("messages", Column("delivered_at", Time), schema=schema)
    for view in VIEWS:
        if not schema:
            op.execute(f"DROP VIEW {view}")
        op.execute(text(create_view(view, connection.dialect.name).replace(":", r"\:")))
    if schema:
        for name in ("link_events", "links"):
            op.execute(f"ALTER TABLE seven.{name} ALTER COLUMN tracking_url SET (n_distinct = {URLS})")

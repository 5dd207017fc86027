"""The fence that keeps a stalled worker from undoing an erasure, and comments on the views of links."""

from alembic import op
from sqlalchemy import BigInteger, Column

from store.types import CodePointText
from store.views import COMMENTS

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
    if schema:  # SQLite has none
        for view in ("delivery_rates", "link_totals", "link_activity", "call_costs"):
            op.execute(f"COMMENT ON VIEW seven.{view} IS $${COMMENTS[view]}$$")

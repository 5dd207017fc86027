"""The client address of a delivery, to identify what a stranger with a valid token sent."""

from alembic import op
from sqlalchemy import Column

from store.types import CodePointText

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None
    op.add_column("deliveries", Column("source", CodePointText), schema=schema)

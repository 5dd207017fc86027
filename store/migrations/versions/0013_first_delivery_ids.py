"""On PostgreSQL: `seven.first_delivery_id(time)`; a query for recent deliveries reads recent partitions alone."""

from alembic import op

from store.first_ids import COMMENT, CREATE

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(CREATE)
        op.get_bind().exec_driver_sql(COMMENT)

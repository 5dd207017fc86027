"""On SQLite: `call_costs` without the errors of binary fractions, as 0.3 instead of 0.30000000000000004."""

from alembic import op

from store.views import create_view

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW call_costs")
        op.execute(create_view("call_costs", "sqlite"))

"""Tables and indexes of the audit, and the history of dead letters."""

from alembic import op
from sqlalchemy import BigInteger, Column, text

from store.types import CodePointText, Time

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    schema = "seven" if op.get_bind().dialect.name == "postgresql" else None

    def key(name: str, kind: type[BigInteger] | None = None) -> Column[object]:
        return Column(name, kind or CodePointText, primary_key=True, autoincrement=False)

    op.create_index("ix_deliveries_ledger_queue_ordinal", "deliveries", ["ledger", "queue", "ordinal"], schema=schema)
    few = text("outcome <> 'applied'")
    op.create_index(
        "ix_deliveries_outcome_id",
        "deliveries",
        ["outcome", "id"],
        schema=schema,
        postgresql_where=few,
        sqlite_where=few,
    )
    op.create_table(
        "dead_letter_failures",
        key("id"), key("attempt", BigInteger), Column("failed_at", Time), Column("reason", CodePointText),
        schema=schema,
    )  # fmt: skip
    prefix = f"{schema}." if schema else ""
    op.execute(
        f"INSERT INTO {prefix}dead_letter_failures (id, attempt, failed_at, reason) "  # noqa: S608 - no input
        f"SELECT id, attempts, failed_at, reason FROM {prefix}dead_letters WHERE attempts IS NOT NULL"
    )
    op.create_table(
        "ledger_marks",
        key("ledger"), key("queue"), Column("last_ordinal", BigInteger), Column("born_at", Time),
        Column("seen_at", Time), Column("closed_at", Time),
        schema=schema,
    )  # fmt: skip
    op.create_table(
        "tallies",
        key("ledger"), key("queue"), key("fate"), key("first_ordinal", BigInteger), Column("last_ordinal", BigInteger),
        Column("received_at", Time), Column("tallied_at", Time),
        schema=schema,
    )  # fmt: skip

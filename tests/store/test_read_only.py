"""Read only: what statements that people write find in both databases."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from store.archive import first_id
from store.read_only import read_only, run_statement


def test_statements_know_the_first_delivery_of_a_time(engine: Engine, database_url: str):
    """`first_delivery_id`, on SQLite without a schema; PostgreSQL takes both."""
    wanted = first_id(datetime(2026, 1, 1, tzinfo=UTC))
    for schema in ("", "seven.") if engine.dialect.name == "postgresql" else ("",):
        with read_only(database_url, 30) as connection:
            answer = run_statement(
                connection,
                f"SELECT {schema}first_delivery_id('2026-01-01'), count(*) FROM deliveries"
                f" WHERE id >= {schema}first_delivery_id('2026-01-01')",
            )
            assert [tuple(row) for row in answer.rows] == [(wanted, 0)]

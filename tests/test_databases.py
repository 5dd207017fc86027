"""Databases that tests share or use one after the other: no test sees what another left."""

import psycopg
import pytest
from sqlalchemy import Engine, insert, select

from store.schema import messages
from tests.databases import Databases
from tests.factories.rows import NOON
from tests.servers import Postgres
from tests.shared_rows import SharedRows

MESSAGE = {"msg_id": "7", "status": "NEW", "result": "pending", "first_seen_at": NOON, "changed_at": NOON}


@pytest.fixture
def lender(postgres: Postgres, migrated_postgres: str) -> Databases:
    return Databases(postgres, migrated_postgres)


def after(lender: Databases, statement: str) -> tuple[str, str]:
    """The database in which a test ran a statement, and the next that is lent."""
    with lender.lent() as first, psycopg.connect(first, autocommit=True) as connection:
        connection.execute(statement.encode())
    with lender.lent() as second:
        return first, second


def test_a_used_database_is_lent_without_its_rows(lender: Databases):
    """The same database, and empty."""
    statement = "INSERT INTO seven.fences (name, generation) VALUES ('x', 1)"
    first, second = after(lender, statement)
    assert first == second
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT count(*) FROM seven.fences").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX more ON seven.messages (status)", "DROP TABLE seven.fences", "CREATE SCHEMA other",
        "ALTER TABLE seven.messages ADD more int", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT SELECT ON seven.messages TO public", "UPDATE seven.seven_ingest_version SET version_num = '0001'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
        "INSERT INTO seven.fences (name, generation) VALUES ('x', 1); ANALYZE seven.fences",
    ],
)  # fmt: skip
def test_a_changed_database_is_not_lent_again(lender: Databases, statement: str):
    """Its schema, rights, version, settings and statistics are those that migrations leave."""
    first, second = after(lender, statement)
    assert first != second


def test_a_database_in_use_is_not_lent(lender: Databases):
    """Whoever is still connected may write."""
    with lender.lent() as first:
        connection = psycopg.connect(first)
    with connection, lender.lent() as second:
        assert first != second


def test_shared_rows_are_written_once_and_only_read(shared_rows: SharedRows, dialect: str):
    """The first test of a module fills them; any later writer fails."""
    engines = [shared_rows.engine(dialect, fill) for _ in range(2)]
    assert engines[0] is engines[1]
    with engines[0].begin() as connection:
        assert connection.execute(select(messages.c.msg_id)).all() == [("7",)]
        with pytest.raises(AssertionError, match="share these rows"):
            connection.execute(insert(messages).values(MESSAGE | {"msg_id": "8"}))


def fill(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(messages).values(MESSAGE))

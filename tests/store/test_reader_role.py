"""The reader role: on a real PostgreSQL it reads everything of ours and changes nothing."""

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from operations.checks.check import Grade, answer_of
from operations.checks.database import reader as reader_check
from store.engine import create_store_engine
from store.errors import sqlstate
from store.partitions import WEEK, provide
from store.reader_role import provide_reader, reader_rights
from store.schema import SCHEMA, deliveries, metadata
from store.views import VIEWS

RUNBOOK = Path(__file__).parents[2] / "deploy/operate.md"

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@pytest.fixture
def reader_url(database_url: str) -> str:
    """A role of its own for each test: roles belong to the whole server. Its name and password have to be quoted."""
    return database_url.replace("seven@", f"Reader%20%25%20{secrets.token_hex(4)}:p%27w%3A%25s@")


@pytest.fixture
def reader(engine: Engine, reader_url: str) -> Iterator[Engine]:
    """An engine of that role."""
    assert provide_reader(engine, reader_url) is None
    reader = create_store_engine(reader_url)
    yield reader
    reader.dispose()


def test_it_reads_everything(engine: Engine, reader: Engine):
    """Every table and view, also weeks and tables that are made later."""
    with engine.begin() as connection:
        provide(connection, deliveries, datetime.now(UTC) + 9 * WEEK)
        connection.execute(text(f"CREATE TABLE {SCHEMA}.of_a_later_version (id text)"))
        week = datetime.now(UTC) + timedelta(weeks=10)
        connection.execute(deliveries.insert().values(id=f"{int(week.timestamp() * 1000):012x}"))
    with reader.connect().execution_options(snapshot=True) as connection:
        for name in (*(table.name for table in metadata.sorted_tables), *VIEWS, "of_a_later_version"):
            connection.execute(text(f"SELECT * FROM {SCHEMA}.{name}")).all()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO seven.messages (msg_id) VALUES ('1')",
        "UPDATE seven.messages SET status = ''",
        "DELETE FROM seven.deliveries",
        "TRUNCATE seven.links",
        "CREATE TABLE seven.mine (id text)",
        "DROP TABLE seven.links",
        "COPY seven.messages TO PROGRAM 'true'",
        "COPY seven.messages TO '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "SET ROLE seven",
        "SELECT set_config('role', 'seven', false)",
        "ALTER ROLE CURRENT_USER SUPERUSER",
    ],
)
def test_it_changes_nothing(reader: Engine, statement: str):
    """Not even in a session that would allow it: it has no right to."""
    with reader.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        with pytest.raises(DBAPIError) as refused:
            connection.exec_driver_sql(statement)
    assert sqlstate(refused.value) == "42501"


def test_its_sessions_only_read(reader: Engine):
    """Without any setting of the client its transactions are read-only, and end in time."""
    with reader.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        shown = connection.exec_driver_sql(
            "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
        )
        assert tuple(shown.one()) == ("on", "1min")


def test_it_is_made_again_what_it_should_be(engine: Engine, reader: Engine, reader_url: str):
    """A restored database has lost its rights, and a new password replaces the old: the same call mends both."""
    role = reader.url.username
    with engine.begin() as connection:
        connection.exec_driver_sql(f'REVOKE SELECT ON seven.messages FROM "{role}"'.replace("%", "%%"))
    reader.dispose()
    other = reader_url.replace("p%27w", "another")
    assert provide_reader(engine, other) is None
    assert provide_reader(engine, other) is None
    again = create_store_engine(other)
    with again.connect() as connection:
        connection.execute(text("SELECT * FROM seven.messages")).all()
    again.dispose()
    with engine.connect() as connection:
        verifiers = connection.execute(text("SELECT rolpassword FROM pg_authid WHERE rolname = :role"), {"role": role})
        assert verifiers.scalar_one().startswith("SCRAM-SHA-256$")


def test_another_role_is_left_alone(engine: Engine, database_url: str):
    """A role that was not made here stays as it is, above all our own."""
    assert "exists, and was not made by" in (provide_reader(engine, database_url) or "")
    with engine.connect() as connection:
        settings = connection.execute(text("SELECT rolconfig FROM pg_roles WHERE rolname = 'seven'"))
        assert settings.scalar_one() is None


def test_the_statements_of_the_runbook(engine: Engine, database_url: str):
    """What deploy/operate.md gives to whoever administers the server makes a role that reads the same."""
    (statements,) = re.findall(r"```sql\n(CREATE ROLE seven_readonly.*?)```", RUNBOOK.read_text(), re.DOTALL)
    role = f"by_hand_{secrets.token_hex(4)}"
    with engine.begin() as connection:
        connection.exec_driver_sql(statements.replace("seven_readonly", role))
        connection.exec_driver_sql(f"CREATE TABLE {SCHEMA}.of_a_later_version (id text)")
    by_hand = create_store_engine(database_url.replace("seven@", f"{role}@"))
    with by_hand.connect() as connection:
        for name in ("messages", "deliveries", "of_a_later_version", *VIEWS):
            connection.execute(text(f"SELECT * FROM {SCHEMA}.{name}")).all()
    by_hand.dispose()


def test_a_right_is_missing(engine: Engine, database_url: str, reader_url: str):
    """A role of ours that may not create roles leaves it to whoever may, and says so."""
    owner = f"owner_{secrets.token_hex(4)}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {owner} LOGIN")
    with_few_rights = create_store_engine(database_url.replace("seven@", f"{owner}@"))
    assert "may not create or change" in (provide_reader(with_few_rights, reader_url) or "")
    with_few_rights.dispose()


def test_doctor_knows_its_rights(engine: Engine, reader: Engine, database_url: str):
    """A role that lacks a right, may write or is a superuser is named, with the remedy; so is one that is not let in."""
    role = f'"{reader.url.username}"'.replace("%", "%%")

    def check_after(statement: str) -> tuple[Grade, str]:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        check = reader_check(reader_rights(reader))
        return check.grade, check.remedy

    assert check_after("SELECT 1") == (Grade.GOOD, "")
    assert check_after(f"GRANT UPDATE ON seven.links TO {role}")[0] is Grade.WARNING
    assert check_after(f"REVOKE SELECT ON seven.links FROM {role}") == (Grade.WRONG, "seven-ingest migrate --reader")
    assert provide_reader(engine, reader.url.render_as_string(hide_password=False).replace("+psycopg", "")) is None
    assert check_after(f"GRANT pg_read_server_files TO {role}")[0] is Grade.WRONG
    assert reader_check(reader_rights(engine)).grade is Grade.WRONG
    nobody = create_store_engine(database_url.replace("seven@", "nobody-at-all@"))
    assert reader_check(answer_of(lambda: reader_rights(nobody))).grade is Grade.UNKNOWN
    nobody.dispose()

"""query: statements of people and named queries, on both databases, and what is refused."""

import csv
import io
import json
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from seven.records import InboundMessage, Message
from store.row_writer import Store
from tests.cli.installation import CommandLine
from tests.factories.rows import NOON
from tests.forks import COMMAND
from tests.servers import PATIENCE_S, Postgres, eventually

ENDLESS = {
    "sqlite": "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x",
    "postgresql": "SELECT pg_sleep(600)",
}
Query = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def reader(dialect: str, database_url: str, engine: Engine, request: pytest.FixtureRequest) -> str:
    """The URL of a database with two inbound SMS and a message; on PostgreSQL by a role that is no superuser."""
    Store(engine).write(
        [
            InboundMessage(id="1", sender="4915112345678", text="=1+1", sent_at=NOON),
            InboundMessage(id="2", sender="4915112345678", text="\x1b[31m\u202e", sent_at=NOON),
            Message(msg_id="7", status="DELIVERED", result="delivered", first_seen_at=NOON),
        ]
    )
    if dialect == "sqlite":
        return database_url
    role = role_in(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA seven TO {role}")
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO {role}")
    with suppress(DBAPIError), engine.begin() as connection:  # not every build of PostgreSQL has it
        connection.exec_driver_sql("CREATE EXTENSION dblink")
    return database_url.replace("seven@", f"{role}@")


def role_in(database_url: str) -> str:
    """The name of the role of one test: roles belong to the whole server."""
    return f"asker_of_{database_url.rpartition('/')[2]}"


@pytest.fixture
def query(reader: str, installation: CommandLine) -> Query:
    """Runs `seven-ingest query`."""

    def run(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return installation.run("query", *words, **{"DATABASE_URL": reader} | settings)

    return run


def test_a_statement_is_answered(query: Query):
    """As a table without a schema's name, as CSV with formulas defused, and as JSON; times are the same in both databases."""
    statement = "SELECT id, sent_at, text FROM inbound_messages ORDER BY id"
    table, as_csv, as_json = query(statement), query(statement, "--csv"), query(statement, "--json")
    assert (table.returncode, table.stderr) == (0, "")
    assert [line.split() for line in table.stdout.splitlines() if line.strip()] == [
        ["id", "sent_at", "text"],
        ["1", "2026-03-29", "12:00:00", "=1+1"],
        ["2", "2026-03-29", "12:00:00", r"\x1b[31m\u202e"],
    ]
    assert list(csv.reader(io.StringIO(as_csv.stdout)))[:2] == [
        ["id", "sent_at", "text"], ["1", "2026-03-29T12:00:00+00:00", "'=1+1"],
    ]  # fmt: skip
    assert json.loads(as_json.stdout)["rows"][1] == {
        "id": "2", "sent_at": "2026-03-29T12:00:00+00:00", "text": "\x1b[31m\u202e",
    }  # fmt: skip


def test_no_rows_have_columns_all_the_same(query: Query):
    """CSV has its head, JSON its columns, and two of one name stay two."""
    statement = "SELECT msg_id, status, status FROM messages WHERE msg_id = 'x'"
    assert query(statement, "--csv").stdout == "msg_id,status,status\n"
    assert json.loads(query(statement, "--json").stdout) == {"columns": ["msg_id", "status", "status_2"], "rows": []}
    assert query(statement).stdout == "No rows.\n"


def test_the_screen_has_a_limit(query: Query):
    """A table ends after so many rows and says so; CSV has them all."""
    numbers = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 3000) SELECT n FROM x"
    table = query(numbers, "--rows", "7").stdout
    assert "There are more than these 7 rows" in table
    assert "\n8" not in table
    assert len(query(numbers, "--csv").stdout.splitlines()) == 3001
    assert "more" not in query("SELECT 1", "--rows", "1").stdout


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        pytest.param("COMMIT;", "A statement that reads is expected", id="end of the transaction"),
        pytest.param(
            "/* SELECT */ -- SELECT\nUPDATE messages SET status = ''", "A statement that reads", id="comments"
        ),
        pytest.param("COPY messages TO PROGRAM 'true'", "A statement that reads is expected", id="a program"),
        pytest.param("SELECT 1; COMMIT; DELETE FROM messages", "One statement is expected.", id="several"),
        pytest.param("WITH x AS (SELECT 1) DELETE FROM messages", "A query can only read", id="a deletion"),
        pytest.param("EXPLAIN DELETE FROM nowhere", "refuses the statement", id="no such table"),
        pytest.param("SELECT msg_idd FROM messages", "refuses the statement", id="no such column"),
        pytest.param("SELECT FROM FROM", "refuses the statement: ", id="no SQL"),
        pytest.param("", "A statement that reads is expected", id="nothing"),
        pytest.param("SELECT load_extension('x')", "e", id="an extension"),
    ],
)
def test_what_is_refused(query: Query, statement: str, sentence: str):
    """Exit code 2 and a sentence; nothing has changed."""
    result = query(statement)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert query("SELECT status FROM messages", "--csv").stdout == "status\nDELIVERED\n"


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement", ["ATTACH 'x' AS y", "PRAGMA user_version = 7", "SELECT * FROM pragma_user_version"]
)
def test_sqlite_only_reads_our_tables(query: Query, installation: CommandLine, statement: str):
    """No other file is attached, and no PRAGMA changes anything; those that describe tables are allowed."""
    assert query(statement).returncode == 2
    assert not (installation.directory / "x").exists()
    assert "msg_id" in query("SELECT name FROM pragma_table_info('messages')").stdout


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT set_config('role', 'seven', true)",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT query_to_xml('DELETE FROM seven.messages', true, true, '')",
        "SELECT setval('seven.no_sequence', 1)",
        "SELECT * INTO seven.copy FROM messages",
        "SELECT msg_id FROM messages FOR UPDATE",
        "EXPLAIN ANALYZE DELETE FROM messages",
        "WITH gone AS (DELETE FROM messages RETURNING msg_id) SELECT * FROM gone",
        "SELECT lo_import('/etc/passwd')",
        "SELECT * FROM dblink('dbname=postgres user=seven', 'SELECT 1') AS t(n int)",
    ],
)  # fmt: skip
def test_postgresql_refuses_what_only_looks_like_reading(query: Query, statement: str):
    """Functions and statements that write, or read files, fail by the role's rights or the transaction."""
    assert query(statement).returncode == 2
    assert query("SELECT status FROM messages", "--csv").stdout == "status\nDELIVERED\n"


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_superuser_is_refused(query: Query, database_url: str, engine: Engine):
    """No transaction binds a superuser, nor who may become one; a sentence says what to do. Named queries are ours."""
    result = query("SELECT 1", DATABASE_URL=database_url)
    assert (result.returncode, result.stdout) == (2, "")
    assert "DATABASE_URL is a superuser" in result.stderr
    assert "SEVEN_READER_URL" in result.stderr
    assert query("--example", "stuck", DATABASE_URL=database_url).returncode == 0
    with engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT pg_execute_server_program TO {role_in(database_url)}")
    assert "DATABASE_URL is a superuser, or may become one" in query("SELECT 1").stderr


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_reader_role_is_used_where_it_is_set(query: Query, reader: str, database_url: str):
    """The query runs by the role of SEVEN_READER_URL, in UTC, in a read-only transaction."""
    settings = "SELECT current_user, current_setting('TimeZone'), current_setting('transaction_read_only')"
    result = query(settings, "--csv", DATABASE_URL=database_url, SEVEN_READER_URL=reader)
    assert result.stdout.splitlines()[1] == f"{role_in(database_url)},UTC,on"


def test_the_time_limit(query: Query, dialect: str):
    """The database ends what takes too long: exit code 3, since the answer is not known."""
    result = query(ENDLESS[dialect], "--timeout", "1")
    assert result.returncode == 3
    assert "took longer than 1 s" in result.stderr


def test_ctrl_c_ends_the_query_at_the_database(
    installation: CommandLine, reader: str, dialect: str, request: pytest.FixtureRequest
):
    """The server stops working on it, and the command says so."""
    command = subprocess.Popen(
        [COMMAND, "query", ENDLESS[dialect]], cwd=installation.directory, env={**installation.environment, "DATABASE_URL": reader},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def works() -> bool:
        if dialect == "sqlite":
            with suppress(FileNotFoundError):  # a file that it has just closed
                return any(link.readlink().name == "seven.db" for link in Path(f"/proc/{command.pid}/fd").iterdir())
            return False
        return sleepers(request.getfixturevalue("postgres")) == 1

    eventually(works)
    command.send_signal(signal.SIGINT)
    out, errors = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, out, errors) == (1, "", "Interrupted. The database has ended the query.\n")
    if dialect == "postgresql":
        assert sleepers(request.getfixturevalue("postgres")) == 0


def sleepers(postgres: Postgres) -> int:
    import psycopg  # noqa: PLC0415 - for one dialect

    with psycopg.connect(postgres.url("postgres")) as connection:
        rows = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(6%' AND state = 'active'"
        )
        return len(rows.fetchall())

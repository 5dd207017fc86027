"""Error reasons: class, code and a plain word, whatever a real database answers or does not."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from store.database_info import inspect
from store.engine import create_store_engine
from store.error_reasons import database_reason
from store.row_writer import NotMigrated, Store, StoreAway
from store.transactions import Patience
from tests.factories.dead_letters import dead, write
from tests.factories.envelopes import envelope
from tests.servers import Postgres, free_port

SECRET = "hunter2"


def failure(url: str, statement: str = "SELECT 1") -> str:
    """The reason of a transaction that fails; a writer gives the same."""
    engine = create_store_engine(url, patience=Patience(connect_s=2))
    with pytest.raises(SQLAlchemyError) as raised, engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(StoreAway) as away:
        Store(engine).transact(lambda connection: connection.execute(text(statement)) and None)
    engine.dispose()
    assert str(away.value) == database_reason(raised.value)
    return str(away.value)


def test_a_server_that_cannot_be_reached():
    """The error of the socket or of the resolver is the code."""
    refused = failure(f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/d")
    unknown = failure(f"postgresql://u:{SECRET}@nowhere.invalid/d")
    socket = failure("postgresql://u@/d?host=/nowhere")
    assert refused == "OperationalError ECONNREFUSED: nothing listens there"
    assert unknown == "OperationalError EAI_NONAME: its name has no address"
    assert socket == "OperationalError ENOENT: its socket does not exist"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(("seven@", "hunter2@"), "OperationalError 28000: the user does not exist", id="no user"),
        pytest.param(("/postgres", "/hunter2"), "OperationalError 3D000: the database does not exist", id="no database"),
        pytest.param(("/postgres", "/postgres?sslmode=require"), "OperationalError NO_TLS: it speaks no TLS", id="no TLS"),
        pytest.param(
            ("/postgres", "/postgres?target_session_attrs=standby"),
            "OperationalError 25006: it is not what target_session_attrs names", id="no standby",
        ),
    ],
)  # fmt: skip
def test_a_connection_that_postgresql_refuses(postgres: Postgres, change: tuple[str, str], expected: str):
    """libpq has no code for it; the server's text is recognised, and never shown."""
    assert failure(postgres.url("postgres").replace(*change)) == expected


@pytest.mark.parametrize(
    ("setting", "statement", "expected"),
    [
        pytest.param("default_transaction_read_only = on", "CREATE TABLE t ()", "ReadOnlySqlTransaction 25006: it is read-only", id="read-only"),
        pytest.param("search_path = x", "SELECT * FROM hunter2", "UndefinedTable 42P01: a table, column or index is missing; `seven-ingest migrate` makes it", id="not migrated"),
    ],
)  # fmt: skip
def test_what_postgresql_answers(
    postgres: Postgres, migrated_postgres: str, setting: str, statement: str, expected: str
):
    """SQLSTATE is the code."""
    url = postgres.database(like=migrated_postgres)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting}")
    assert failure(url, statement) == expected


def test_a_missing_right(postgres: Postgres, migrated_postgres: str):
    """A user who may connect and nothing else."""
    url = postgres.database(like=migrated_postgres)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS bare; CREATE ROLE bare LOGIN; CREATE SCHEMA closed")
    text = failure(url.replace("seven@", "bare@"), "CREATE TABLE closed.hunter2 ()")
    assert text == "InsufficientPrivilege 42501: a right is missing"


@pytest.mark.parametrize(
    ("content", "statement", "expected"),
    [
        pytest.param(None, "SELECT * FROM hunter2", "OperationalError SQLITE_ERROR: a table, column or index is missing", id="not migrated"),
        pytest.param(None, "SELECT * FROM sqlite_schema INDEXED BY hunter2", "OperationalError SQLITE_ERROR: a table, column or index is missing", id="no index"),
        pytest.param(b"hunter2" * 1000, "SELECT 1", "DatabaseError SQLITE_NOTADB: the file is no database", id="no database"),
    ],
)  # fmt: skip
def test_what_sqlite_answers(tmp_path: Path, content: bytes | None, statement: str, expected: str):
    """Its own code by name."""
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
    assert failure(f"sqlite:///{tmp_path / 'x.db'}", statement).startswith(expected)


def test_a_file_that_cannot_be_opened(tmp_path: Path):
    """Its directory is missing."""
    assert failure(f"sqlite:///{tmp_path}/none/x.db") == "OperationalError SQLITE_CANTOPEN: the file cannot be opened"


def test_the_schema_is_older(empty_database: str):
    """A writer raises NotMigrated, and names what mends it."""
    engine = create_store_engine(empty_database)
    with pytest.raises(NotMigrated, match="seven-ingest migrate"):
        write(engine, *dead(envelope("a")))
    engine.dispose()


def test_the_test_write_of_doctor(engine: Engine):
    """What refuses the test write has the same form."""
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {'seven.' * (engine.dialect.name == 'postgresql')}ledger_marks"))
    error = inspect(engine).write_error
    assert error
    assert error.endswith(": a table, column or index is missing; `seven-ingest migrate` makes it")

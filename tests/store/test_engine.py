"""Engine: a commit is on disk before its batch is settled, and refused rows are distinguished from an outage."""

import os
import sqlite3
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from seven.records import Message
from store import row_writer
from store.engine import create_store_engine, missing_file
from store.errors import is_race, is_refusal
from store.migrate import migrate
from store.row_writer import Refused, Store, StoreAway
from tests.servers import Postgres, eventually


def query(engine: Engine, statement: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar()


def test_a_commit_to_sqlite_is_durable(tmp_path: Path):
    """WAL with synchronous FULL: an acknowledged commit is on disk."""
    engine = create_store_engine(f"sqlite:///{tmp_path / 'x.db'}")
    assert [query(engine, f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "busy_timeout")] == [
        "wal",
        2,
        10000,
    ]
    engine.dispose()


def test_a_file_that_cannot_be_looked_at_is_not_missing(tmp_path: Path):
    """It may be there, in a directory of another user for one: that is an error, not a database to create."""
    assert missing_file(make_url(f"sqlite:///{tmp_path / 'none.db'}"))
    assert missing_file(make_url(f"sqlite:///{Path(__file__) / 'none.db'}"))
    assert not missing_file(make_url(f"sqlite:///{__file__}"))
    assert not missing_file(make_url("postgresql://h/d"))
    with pytest.raises(OSError, match="too long"):
        missing_file(make_url(f"sqlite:///{tmp_path / ('x' * 300)}"))


def test_sqlites_files_are_private(tmp_path: Path):
    """Those beside the database, too, whatever the umask."""
    before = os.umask(0)
    try:
        engine = create_store_engine(f"sqlite:///{tmp_path / 'x.db'}")
        migrate(engine)
        with engine.connect() as connection:
            connection.execute(text("INSERT INTO hook_changes (id) VALUES ('1')"))
            connection.commit()
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("x.db", "x.db-wal", "x.db-shm"), 0o600)


@pytest.mark.parametrize(
    ("configured", "used"), [("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_a_commit_to_postgresql_is_durable(postgres: Postgres, configured: str, used: str):
    """Whatever the server's default, an acknowledged commit is on disk; a stronger default stays."""
    url = postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET synchronous_commit = {configured}")
    engine = create_store_engine(url)
    assert query(engine, "SHOW synchronous_commit") == used
    assert query(engine, "SHOW statement_timeout") == "30s"
    assert query(engine, "SHOW lock_timeout") == "10s"
    engine.dispose()


def error(state: str) -> DBAPIError:
    original = psycopg.errors.lookup(state)("values that people wrote")
    original.sqlstate = state
    return OperationalError("INSERT", {}, original)


@pytest.mark.parametrize(
    ("state", "refused", "race"),
    [
        pytest.param("22P05", True, False, id="a character that cannot be stored"),
        pytest.param("23514", True, False, id="a check constraint"),
        pytest.param("54000", True, False, id="a row too big for an index"),
        pytest.param("40P01", False, True, id="a deadlock"),
        pytest.param("40001", False, True, id="a serialization failure"),
        pytest.param("57P01", False, False, id="the server shuts down"),
        pytest.param("57014", False, False, id="a statement that took too long"),
        pytest.param("53100", False, False, id="the disk is full"),
        pytest.param("25006", False, False, id="the server is read-only"),
        pytest.param("42P01", False, False, id="missing tables"),
        pytest.param("42501", False, False, id="no privilege to write"),
        pytest.param("55P03", False, False, id="a lock held by a migration"),
        pytest.param("08006", False, False, id="the connection broke"),
    ],
)
def test_refusals_are_distinguished_from_outages(state: str, refused: bool, race: bool):
    """Errors about the data are refusals, errors about the server are not; a race is tried again."""
    assert (is_refusal(error(state)), is_race(error(state))) == (refused, race)
    assert not is_refusal(OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")))


def test_an_error_does_not_quote_the_row(engine: Engine):
    """The text of a refusal and of its causes contains nothing of the row."""
    with engine.begin() as connection:
        prefix = "seven." if engine.dialect.name == "postgresql" else ""
        if prefix:
            connection.execute(text("ALTER TABLE seven.messages ADD CHECK (status <> 'SECRET-ODD')"))
        else:
            connection.execute(
                text(
                    "CREATE TRIGGER odd BEFORE INSERT ON messages WHEN NEW.status = 'SECRET-ODD' BEGIN SELECT RAISE(ABORT, 'SECRET'); END"
                )
            )
    with pytest.raises((Refused, StoreAway)) as refused:
        Store(engine).write([Message(msg_id="SECRET-1", status="SECRET-ODD")])
    error: BaseException | None = refused.value
    while error is not None and not error.__suppress_context__:
        assert "SECRET" not in str(error)
        error = error.__cause__ or error.__context__
    assert "SECRET" not in str(refused.value)


def test_a_slow_transaction_is_rolled_back(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """A commit that is so late that a reader of `changed_at` would miss it is refused."""
    monkeypatch.setattr(row_writer, "TRANSACTION_S", -1)
    with pytest.raises(StoreAway, match="too slow"):
        Store(engine).write([Message(msg_id="1", status="DELIVERED")])
    monkeypatch.undo()
    with engine.connect() as connection:
        schema = "seven." if engine.dialect.name == "postgresql" else ""
        assert connection.execute(text(f"SELECT count(*) FROM {schema}messages")).scalar() == 0


def test_a_deadlock_is_tried_again(postgres: Postgres):
    """Two writers that lock each other's rows both succeed, without an error."""
    url = postgres.database()
    engine = create_store_engine(url)
    migrate(engine)
    Store(engine).write([Message(msg_id="a", rank=1), Message(msg_id="b", rank=1)])
    with psycopg.connect(url) as other:
        other.execute("UPDATE seven.messages SET rank = 2 WHERE msg_id = 'b'")
        writer = Thread(target=lambda: Store(engine).write([Message(msg_id="a", rank=5), Message(msg_id="b", rank=5)]))
        writer.start()
        observer = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        eventually(lambda: query(observer, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        other.execute("SET deadlock_timeout = '10s'")  # so that the server cancels the writer, not this connection
        other.execute("UPDATE seven.messages SET rank = 2 WHERE msg_id = 'a'")
        other.commit()
        writer.join()
        observer.dispose()
    assert query(engine, "SELECT string_agg(rank::text, ',') FROM seven.messages") == "5,5"
    engine.dispose()

"""Outages of SQLite and PostgreSQL, on demand."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, event, text

from store.engine import create_store_engine
from store.migrate import migrate
from store.transactions import Patience
from tests.servers import Postgres


class Database:
    """A database with outages on demand: an engine with short timeouts, and pragmas for its connections."""

    def __init__(self, url: str, postgres: Postgres | None, directory: Path) -> None:
        self.url, self.postgres, self.directory = url, postgres, directory
        self.pragmas: list[str] = []
        self.engine = create_store_engine(url, patience=Patience(statement_s=1.0, ping_s=0.5, connect_s=2))
        if postgres:
            event.listen(self.engine, "begin", self._begun)
        else:
            event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "checkout", self._checked_out)
        migrate(self.engine)

    def _connected(self, connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 300")

    def _begun(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '300ms'")

    def _checked_out(self, connection: Any, *_: Any) -> None:
        for pragma in self.pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def with_pragma(self, during: str, afterwards: str) -> Iterator[None]:
        self.pragmas = [during]
        yield
        self.pragmas = [afterwards]

    def administer(self, *statements: str) -> None:
        assert self.postgres
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def refused(database: Database) -> Iterator[None]:
    assert database.postgres
    database.postgres.stop()
    try:
        yield
    finally:
        database.postgres.start()


@contextmanager
def hanging(database: Database) -> Iterator[None]:
    assert database.postgres
    with database.postgres.paused():
        yield


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    if not database.postgres:
        with database.with_pragma("query_only = on", "query_only = off"):
            yield
        return
    name = database.url.rsplit("/", 1)[1]
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    database.administer(f"ALTER DATABASE {name} SET default_transaction_read_only = on", end)
    yield
    database.administer(f"ALTER DATABASE {name} RESET default_transaction_read_only")  # existing connections stay


@contextmanager
def full(database: Database) -> Iterator[None]:
    if not database.postgres:
        with database.with_pragma("max_page_count = 1", f"max_page_count = {2**30}"):  # no new pages
            yield
        return
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON seven.deliveries EXECUTE FUNCTION full_disk()")
        yield
        connection.execute("DROP FUNCTION full_disk CASCADE")


@contextmanager
def locked(database: Database) -> Iterator[None]:
    if database.postgres:
        with psycopg.connect(database.url) as connection:  # as a migration would
            connection.execute("LOCK TABLE seven.messages IN ACCESS EXCLUSIVE MODE")
            yield
        return
    file = database.url.removeprefix("sqlite:///")
    program = (
        f"import sqlite3, sys; c = sqlite3.connect({file!r}); c.execute('BEGIN EXCLUSIVE');"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        yield
        other.stdin.close()


@contextmanager
def dropped(database: Database) -> Iterator[None]:
    """Renames a table, as while an older backup is being restored."""
    schema = "seven." if database.postgres else ""
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {schema}deliveries RENAME TO elsewhere"))
    yield
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {schema}elsewhere RENAME TO deliveries"))


Outage = Callable[[Database], AbstractContextManager[None]]

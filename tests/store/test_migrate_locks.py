"""Migrate, beside readers: while it waits for one, it keeps no table from others for long."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Connection, text

from store.engine import create_store_engine
from store.exclusive_lock import lock_exclusively
from store.migrate import migrate
from store.version import newest
from tests.servers import eventually

TABLES = (
    *("deliveries", "messages", "message_statuses", "inbound_messages", "calls", "call_statuses"),
    *("links", "link_events"),
)
"""Of the version from which the first upgrades come."""
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


@pytest.fixture
def dialect() -> str:
    """SQLite locks the whole file."""
    return "postgresql"


@pytest.mark.parametrize(
    ("before", "table"),
    [
        *(("0005", table) for table in TABLES),
        *(("0013", table) for table in ("calls", "deliveries", "inbound_messages", "messages")),
    ],
)
def test_a_reader_delays_no_writer(empty_database: str, before: str, table: str):
    """While a backup of any table keeps a migration waiting, workers still write all; then the migration completes.

    Versions are where transactions begin that alter tables. A writer waits for a moment, not for as long as the reader does.
    """
    engine = create_store_engine(empty_database)
    migrate(engine, before)
    with ThreadPoolExecutor(1) as threads, psycopg.connect(empty_database) as reader:
        reader.execute(f"SELECT FROM seven.{table}")  # type: ignore[arg-type] # one of TABLES
        migration = threads.submit(migrate, engine)
        try:
            with psycopg.connect(empty_database, autocommit=True) as observer:  # keeps no snapshot: indexes wait for it
                eventually(lambda: migration.done() or observer.execute(WAITING).fetchone() != (0,))
            for written in TABLES:
                with engine.begin() as writer:
                    writer.execute(text("SET LOCAL lock_timeout = '30s'"))
                    writer.execute(text(f"LOCK TABLE seven.{written} IN ROW EXCLUSIVE MODE"))
        finally:
            reader.rollback()
        assert migration.result() == (before, newest())
    engine.dispose()


@pytest.mark.parametrize("view", ["call_costs", "delivery_rates", "link_activity", "link_totals"])
def test_who_looks_at_a_view_meanwhile_waits(empty_database: str, monkeypatch: pytest.MonkeyPatch, view: str):
    """A reader locks the view, then its tables: a migration that has these, and then replaces the view, is a deadlock."""
    engine = create_store_engine(empty_database)
    migrate(engine, "0005")
    readers: list[Future[object]] = []

    def read() -> object:
        with psycopg.connect(empty_database) as reader:
            return reader.execute(f"SELECT count(*) FROM seven.{view}").fetchone()  # type: ignore[arg-type]

    def lock_and_be_read(connection: Connection, relations: Iterable[str]) -> None:
        lock_exclusively(connection, relations)
        if not readers:
            readers.append(threads.submit(read))
            eventually(lambda: observer.execute(BLOCKED).fetchone() != (0,))

    monkeypatch.setattr("store.exclusive_lock.lock_exclusively", lock_and_be_read)
    with ThreadPoolExecutor(1) as threads, psycopg.connect(empty_database, autocommit=True) as observer:
        assert migrate(engine) == ("0005", newest())
        assert readers[0].result() == (0,)
    engine.dispose()

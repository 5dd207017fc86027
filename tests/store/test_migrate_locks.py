"""Migrate, beside readers: while it waits for one, it keeps no table from others for long."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text

from store.engine import create_store_engine
from store.migrate import migrate
from store.version import newest
from tests.servers import eventually

TABLES = (
    *("deliveries", "messages", "message_statuses", "inbound_messages", "calls", "call_statuses"),
    *("links", "link_events"),
)
"""Of the version from which the first upgrades come."""
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

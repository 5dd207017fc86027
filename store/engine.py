"""Engine: connections to a database URL whose acknowledged commits are durable.

After an outage no older connection is used again: it may still reach the former server, which is read-only or no longer
the primary. Disposing of the pool is not enough: other threads return the connections that they hold to a pool that no
longer exists, and those stay open.
"""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from runtime.database_url import DatabaseServer
from store import transactions
from store.first_ids import add_first_delivery_id
from store.schema import SCHEMA
from store.transactions import PATIENCE, Patience

_STALE_BEFORE = "stale_before"
_CREATION = Lock()


def replace_expired(engine: Engine) -> None:
    """Make the engine's pool replace expired connections at their next checkout."""

    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["opened_at"] <= engine.get_execution_options().get(_STALE_BEFORE, 0.0):
            raise DisconnectionError("opened before the outage")

    event.listen(engine, "connect", _record_opening)
    event.listen(engine, "checkout", check)


def expire(engine: Engine) -> None:
    """Expire all present connections; one that is in use is closed after its use."""
    engine.update_execution_options(**{_STALE_BEFORE: time.monotonic()})


def _record_opening(_connection: Any, record: Any) -> None:
    record.info["opened_at"] = time.monotonic()


# Detects a server that vanished without closing the connection within half a minute.
_CONNECTION = {
    # A database with encoding SQL_ASCII (created under LANG=C) would answer in bytes; its content is still UTF-8.
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
OVERFLOW = 2
"""Connections beyond one for each thread: beat's tasks run beside batches."""
_SQLITE = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL")


def database_url(text: str) -> URL:
    """The URL with our driver. Raises ValueError for one that no connection could use."""
    server = DatabaseServer.parse(text)
    if server.dialect == "sqlite":
        return URL.create("sqlite", database=server.database)
    return URL.create(
        "postgresql+psycopg",
        server.username or None,
        server.password,
        server.host or None,
        server.port,
        server.database or None,
        query=server.options,
    )


def create_store_engine(database: str, connections: int = 4, patience: Patience = PATIENCE) -> Engine:
    """An engine for the store; it connects at first use. Every wait for the database is bounded.

    `patience` bounds PostgreSQL, `busy_timeout` SQLite's lock.
    """
    url = database_url(database)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=max(connections, 5),
            pool_timeout=10,
            execution_options={"schema_translate_map": {SCHEMA: None}},
        )
        event.listen(engine, "do_connect", _create_privately)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        replace_expired(engine)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,  # errors are logged, and parameters contain what people wrote
        isolation_level="AUTOCOMMIT",  # the driver must not begin transactions; transactions.begin does
        pool_size=connections,
        max_overflow=OVERFLOW,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args=_CONNECTION | {"connect_timeout": patience.connect_s},
    )
    from store.timeouts import guarded  # noqa: PLC0415 - psycopg takes long to import, and SQLite does without

    event.listen(engine, "do_connect", guarded(patience))
    event.listen(engine, "connect", _configure_postgresql)
    event.listen(engine, "begin", transactions.begin)
    replace_expired(engine)
    return engine


def _create_privately(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """Create a missing SQLite file readable by its owner alone, whatever the umask: it holds what people wrote.

    SQLite gives its companions (-wal, -shm) the same mode. An existing file keeps its own, which may be meant.
    """
    file = str(arguments[0]) if arguments else ""
    if file in ("", ":memory:") or file.startswith("file:"):
        return
    # Closing a file of SQLite's ends the locks of this process on it: no thread may have connected meanwhile.
    with _CREATION, suppress(OSError):  # of what is wrong with the directory, SQLite tells more
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions; _begin_sqlite does
    for pragma in _SQLITE:
        _configure(connection, pragma)
    add_first_delivery_id(connection)


def _configure(connection: Any, pragma: str) -> None:
    """Run a PRAGMA with retries: switching a new file to WAL ignores busy_timeout, so parallel starts would fail."""
    deadline = time.monotonic() + 10
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Any) -> None:
    # Writers queue at BEGIN; a transaction that began as a reader would fail at its first write.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _configure_postgresql(connection: Any, _: Any) -> None:
    from psycopg.types.array import ListBinaryDumper  # noqa: PLC0415 - as above

    connection.adapters.register_dumper(list, ListBinaryDumper)  # the text format escapes each element in Python
    if transactions.is_pooled(connection):
        # A prepared statement belongs to a session; the next transaction may run in a session that lacks it.
        connection.prepare_threshold = None


def sqlite_file(url: URL) -> Path | None:
    """The database's file; None for a server."""
    return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None


def missing_file(url: URL) -> Path | None:
    """The file of a SQLite database that has none yet: connecting would create it. None for any other database.

    Raises OSError where that cannot be seen; `Path.exists` does so up to Python 3.13 only.
    """
    file = sqlite_file(url)
    try:
        if file is not None:
            file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return file
    return None

"""Engine: a database URL becomes connections that keep a commit once it is answered.

After an outage no connection that was made before it is used again: it may go on meeting the server of before, which is
read-only or no longer the primary. Disposing of the pool is not enough, and leaves open what other threads have just
taken from it: they return it to a pool that no longer exists.
"""

import sqlite3
import time
from typing import Any

from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from store import transactions
from store.schema import SCHEMA
from store.timeouts import PATIENCE, Patience, guarded

_OPTION = "stale_before"


def watch(engine: Engine) -> None:
    """Have the engine's pool replace each connection that has expired, when it is next taken."""

    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["made_at"] <= engine.get_execution_options().get(_OPTION, 0.0):
            raise DisconnectionError("made before the outage")

    event.listen(engine, "connect", _made)
    event.listen(engine, "checkout", check)


def expire(engine: Engine) -> None:
    """Let no connection of now be taken from the pool again; what is in use is closed after it."""
    engine.update_execution_options(**{_OPTION: time.monotonic()})


def _made(_connection: Any, record: Any) -> None:
    record.info["made_at"] = time.monotonic()


# A server that vanished without a word is noticed within half a minute.
_CONNECTION = {
    # A database of SQL_ASCII, as one made under LANG=C is, would answer in bytes; what it keeps is UTF-8 all the same.
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
OVERFLOW = 2
"""Connections beyond one for each thread: beat's tasks come beside batches."""
_EXPECTED = "sqlite:///… or postgresql://… is expected"
_SQLITE = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL")


def database_url(told: str) -> URL:
    """The URL with the driver that we bring; `postgres://` is understood too. Raises ValueError for other databases."""
    try:
        url = make_url(told)
    except ArgumentError:  # whose text repeats the URL, in which the password is
        raise ValueError(_EXPECTED) from None
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise ValueError(_EXPECTED)
    return url


def create_store_engine(told: str, connections: int = 4, patience: Patience = PATIENCE) -> Engine:
    """An engine for the store; it connects when first used. Every wait for its database is bounded.

    PostgreSQL is given up on after `patience`, SQLite's lock after its `busy_timeout`.
    """
    url = database_url(told)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=max(connections, 5),
            pool_timeout=10,
            execution_options={"schema_translate_map": {SCHEMA: None}},
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        watch(engine)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,  # errors are logged, and parameters are what people wrote
        isolation_level="AUTOCOMMIT",  # the driver begins nothing by itself; transactions.begin does
        pool_size=connections,
        max_overflow=OVERFLOW,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args=_CONNECTION | {"connect_timeout": patience.connect_s},
    )
    event.listen(engine, "do_connect", guarded(patience))
    event.listen(engine, "connect", _configure_postgresql)
    event.listen(engine, "begin", transactions.begin)
    watch(engine)
    return engine


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    for pragma in _SQLITE:
        _configure(connection, pragma)


def _configure(connection: Any, pragma: str) -> None:
    """Switching a new file to WAL heeds no busy_timeout: processes that start together would fail."""
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
    # Writers queue up at the beginning; one that began as a reader would fail when it comes to write.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _configure_postgresql(connection: Any, _: Any) -> None:
    connection.adapters.register_dumper(list, ListBinaryDumper)  # as text each element is escaped, in Python
    if transactions.is_pooled(connection):
        # A prepared statement belongs to a session, and the next one has another of that name, or none.
        connection.prepare_threshold = None

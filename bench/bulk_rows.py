"""Many rows at once into tables, as quickly as each database takes them."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine

from store.partitions import PARTITIONED, WEEK, provide
from store.schema import SCHEMA


def provide_weeks(engine: Engine, since: datetime, until: datetime) -> None:
    """Create the partitions that a server of that age would have."""
    at = since
    while at < until:
        with engine.begin() as connection:
            for table in PARTITIONED:
                provide(connection, table, at)
        at += WEEK


def insert(engine: Engine, table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows of these columns, in one transaction."""
    (_copy if engine.dialect.name == "postgresql" else _insert)(engine, table, names, rows)


def settle(engine: Engine) -> None:
    """Finish the work that filling leaves behind (statistics, checkpoint) before anything is measured."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as plain:  # our engine would begin a transaction
            plain.execute("ANALYZE")
            plain.commit()
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with _plain(engine) as connection:  # no time limit of ours
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _plain(engine: Engine) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))


def _copy(engine: Engine, table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with _plain(engine) as connection:
        columns = ", ".join(names)
        with connection.cursor().copy(f"COPY {SCHEMA}.{table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _insert(engine: Engine, table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(str(engine.url.database))) as connection, connection:
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        connection.executemany(statement, (tuple(map(_sqlite_value, row)) for row in rows))


def _sqlite_value(value: Any) -> Any:
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value

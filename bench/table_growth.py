"""Growing: what a delivery costs a worker beside millions of rows, in turns with a database that has none.

Of one server: one database is filled step by step, its twin is emptied before each turn. Rows are as a worker makes
them, in the order of their receipt. Ids of messages ascend with time, as the gateway's do, or are at random, which is
the worst for an index: each row is then somewhere else in it.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from bench.servers import migrated, place, postgresql, redis
from bench.worker_rate import SCATTER, fill
from ledger.client import Ledger
from store.archive import first_id
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.partitions import PARTITIONED, WEEK, provide
from store.row_writer import Store
from store.schema import SCHEMA
from workers.consumer import Consumer

COLUMNS = {
    "deliveries": "id event_type queue subject received_at applied_at event_at request_method source payload digest outcome"
    " reason ledger ordinal",
    "messages": "msg_id status result final status_at rank foreign_id first_seen_at last_seen_at changed_at",
    "message_statuses": "msg_id status at",
}
STEPS = 5
APART = 5 * 10**11
"""From here on numbers of messages are of those that are there, below of those that are measured."""
PAST = 10 * WEEK
"""Over which what is past is spread."""
BATCHES = 32
"""In one announcement."""
_LEAVES = f"FROM pg_class WHERE relkind = 'r' AND relnamespace = '{SCHEMA}'::regnamespace"
_PAGES = "SELECT coalesce(sum(pgsize), 0) FROM dbstat JOIN sqlite_schema USING (name) WHERE aggregate = TRUE AND type ="
SIZES = {
    "postgresql": (f"SELECT sum(pg_table_size(oid)) {_LEAVES}", f"SELECT sum(pg_indexes_size(oid)) {_LEAVES}"),
    "sqlite": (f"{_PAGES} 'table'", f"{_PAGES} 'index'"),
}


@dataclass(frozen=True)
class Growth:
    """How a database grows, and into what."""

    dialect: str
    rows: int
    past: bool = False
    """Over ten weeks that are over; otherwise all of it is of the last hour."""
    ascending: bool = True
    """Whether ids of messages do."""


def grown(how: Growth, measured: int, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """For each step: rows, and what a delivery costs, as a multiple of what it costs in the twin, of each round.

    `sizes` are bytes of tables and of their indexes, after each step.
    """
    found: list[list[Any]] = []
    sizes: list[list[int]] = []
    with place() as directory, redis(directory) as redis_url, _twins(directory, how.dialect) as (big, twin):
        now = datetime.now(UTC)
        since, until = (now - PAST, now - WEEK) if how.past else (now - timedelta(hours=1), now)
        if how.past:
            _provide(big, since, now)
        first, step = 0, how.rows // STEPS
        for done in range(0, how.rows + 1, step):
            if done:
                _grow(big, _rows(how, done - step, done, since, until))
            ratios = []
            for number in range(rounds + 1):
                _empty(twin)
                seconds = {}
                for engine in (big, twin) if number % 2 else (twin, big):
                    seconds[engine] = _consumed(redis_url, engine, measured, first, how.ascending)
                    first += measured
                if number:  # the first turn warms caches
                    ratios.append(seconds[big] / seconds[twin])
                tick()
            found.append([done, ratios])
            sizes.append(_sizes(big))
        return {"steps": found, "bytes": _size(big, directory), "sizes": sizes}


def _consumed(redis_url: str, engine: Engine, number: int, first: int, ascending: bool) -> float:
    """Seconds for a worker to get through so many."""
    ledger = Ledger(redis_url)
    try:
        ids = asyncio.run(fill(redis_url, number, first=first, ascending=ascending))
        consumer = Consumer(ledger, Store(engine), CircuitBreaker())
        began = time.perf_counter()
        for start in range(0, len(ids), BATCHES):
            consumer.consume("dlr", ids[start : start + BATCHES])
        return time.perf_counter() - began
    finally:
        ledger.close()


@contextmanager
def _twins(directory: Path, dialect: str) -> Iterator[tuple[Engine, Engine]]:
    with ExitStack() as stack:
        if dialect == "sqlite":
            urls = [f"sqlite:///{directory / name}.db" for name in ("grown", "twin")]
        else:
            server = stack.enter_context(postgresql(directory))
            urls = [server.database(), server.database()]
        for url in urls:
            migrated(url)
        grown, twin = map(create_store_engine, urls)
        stack.callback(twin.dispose)
        stack.callback(grown.dispose)
        yield grown, twin


def _provide(engine: Engine, since: datetime, until: datetime) -> None:
    """The partitions that a server of that age would have."""
    at = since
    while at < until:
        with engine.begin() as connection:
            for table in PARTITIONED:
                provide(connection, table, at)
        at += WEEK


def _rows(how: Growth, first: int, last: int, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    """A delivery, its message and its status, each as a tuple of its table's columns."""
    pause = (until - since) / how.rows
    for n in range(first, last):
        at = since + n * pause
        # scattered among those that are measured, which an index would otherwise keep together at its end
        msg_id = f"76{n:012d}" if how.ascending else f"77{(n + APART) * SCATTER % 10**12:012d}"
        name = f"{first_id(at)}-7{n % 4096:03x}-8000-{n:012x}"
        payload = (
            f'{{"data":{{"msg_id":"{msg_id}","status":"DELIVERED","timestamp":"{at:%Y-%m-%d %H:%M:%S.%f}"}},'
            f'"webhook_event":"dlr","webhook_timestamp":"{at.isoformat(timespec="seconds")}"}}'
        )
        yield (
            (
                *(name, "dlr", "dlr", msg_id, at, at, at, "JSON", "203.0.113.7", payload),
                *(f"{n * 0x9E3779B97F4A7C15 % 2**256:064x}", "applied", None, "life", n + 1),
            ),
            (msg_id, "DELIVERED", "delivered", True, at, 7, None, at, at, at),
            (msg_id, "DELIVERED", at),
        )


def _grow(engine: Engine, rows: Iterator[tuple[Any, ...]]) -> None:
    while some := list(islice(rows, 50_000)):
        for table, told in zip(COLUMNS, zip(*some, strict=True), strict=True):
            (_copy if engine.dialect.name == "postgresql" else _insert)(engine, table, told)
    _settled(engine)


def _settled(engine: Engine) -> None:
    """What filling has left to do is done before deliveries are measured."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as plain:  # ours would begin a transaction
            plain.execute("ANALYZE")
            plain.commit()
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _copy(engine: Engine, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        names = COLUMNS[table].replace(" ", ", ")
        with connection.cursor().copy(f"COPY {SCHEMA}.{table} ({names}) FROM STDIN") as copy:  # type: ignore[arg-type]
            for row in rows:
                copy.write_row(row)


def _insert(engine: Engine, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(str(engine.url.database))) as connection, connection:
        names = COLUMNS[table].split()
        asked = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        connection.executemany(asked, (tuple(map(_plain, row)) for row in rows))


def _plain(value: Any) -> Any:
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(f'{SCHEMA}.{table}' for table in COLUMNS)}"))
        else:
            for table in COLUMNS:
                connection.execute(text(f"DELETE FROM {table}"))


def _size(engine: Engine, directory: Path) -> int:
    if engine.dialect.name == "sqlite":
        return (directory / "grown.db").stat().st_size
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _sizes(engine: Engine) -> list[int]:
    """Bytes of our tables, and of their indexes; nothing where SQLite is built without dbstat."""
    try:
        with engine.connect() as connection:
            return [int(connection.execute(text(asked)).scalar_one()) for asked in SIZES[engine.dialect.name]]
    except OperationalError:
        if engine.dialect.name == "sqlite":
            return []
        raise

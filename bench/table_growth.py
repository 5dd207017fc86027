"""Cost of consuming a delivery in tables with millions of rows, in turns with an empty twin database.

Both databases are on one server: one is filled step by step, its twin is emptied before each turn. Rows are as a worker
writes them, in order of receipt. Message ids ascend with time, as the gateway's do, or are random, the worst case for
an index: each row then touches a different page.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from bench.bulk_rows import insert, provide_weeks, settle
from bench.servers import create_tables, postgresql, redis, temporary_directory
from bench.worker_rate import SCATTER, fill_ledger
from ledger.client import Ledger
from store.archive import first_id
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.partitions import WEEK
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
"""Message numbers from here on belong to rows already present, lower ones to measured deliveries."""
PAST = 10 * WEEK
"""The span over which past rows are spread."""
BATCHES = 32
"""Batches per announcement."""
_LEAVES = f"FROM pg_class WHERE relkind = 'r' AND relnamespace = '{SCHEMA}'::regnamespace"
_PAGES = "SELECT coalesce(sum(pgsize), 0) FROM dbstat JOIN sqlite_schema USING (name) WHERE aggregate = TRUE AND type ="
SIZES = {
    "postgresql": (f"SELECT sum(pg_table_size(oid)) {_LEAVES}", f"SELECT sum(pg_indexes_size(oid)) {_LEAVES}"),
    "sqlite": (f"{_PAGES} 'table'", f"{_PAGES} 'index'"),
}


@dataclass(frozen=True)
class Growth:
    """One way for a database to grow."""

    dialect: str
    rows: int
    past: bool = False
    """Rows spread over ten past weeks; otherwise all from the last hour."""
    ascending: bool = True
    """Message ids ascend with time; otherwise they are random."""


def measure(growth: Growth, measured: int, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """For each step: the rows present, and for each round the cost of a delivery as a multiple of its cost in the twin.

    `sizes` are bytes of tables and of their indexes after each step.
    """
    steps: list[list[Any]] = []
    sizes: list[list[int]] = []
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        _twins(directory, growth.dialect) as (big, twin),
    ):
        now = datetime.now(UTC)
        since, until = (now - PAST, now - WEEK) if growth.past else (now - timedelta(hours=1), now)
        if growth.past:
            provide_weeks(big, since, now)
        first, step = 0, growth.rows // STEPS
        for present in range(0, growth.rows + 1, step):
            if present:
                _grow(big, _rows(growth, present - step, present, since, until))
            ratios = []
            for number in range(rounds + 1):
                _empty(twin)
                seconds = {}
                for engine in (big, twin) if number % 2 else (twin, big):
                    seconds[engine] = _consume_s(redis_url, engine, measured, first, growth.ascending)
                    first += measured
                if number:  # the first turn warms caches
                    ratios.append(seconds[big] / seconds[twin])
                tick()
            steps.append([present, ratios])
            sizes.append(_sizes(big))
        return {"steps": steps, "bytes": _size(big, directory), "sizes": sizes}


def _consume_s(redis_url: str, engine: Engine, number: int, first: int, ascending: bool) -> float:
    """Seconds in which a worker consumes a number of deliveries."""
    ledger = Ledger(redis_url)
    try:
        ids = asyncio.run(fill_ledger(redis_url, number, first=first, ascending=ascending))
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
            create_tables(url)
        big, twin = map(create_store_engine, urls)
        stack.callback(twin.dispose)
        stack.callback(big.dispose)
        yield big, twin


def _rows(growth: Growth, first: int, last: int, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    """Rows of a delivery, its message and its status, each a tuple of its table's columns."""
    pause = (until - since) / growth.rows
    for n in range(first, last):
        at = since + n * pause
        # scattered among the measured ids, which an index would otherwise keep together at its end
        msg_id = f"76{n:012d}" if growth.ascending else f"77{(n + APART) * SCATTER % 10**12:012d}"
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
    while chunk := list(islice(rows, 50_000)):
        for table, table_rows in zip(COLUMNS, zip(*chunk, strict=True), strict=True):
            insert(engine, table, COLUMNS[table].split(), table_rows)
    settle(engine)


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
    """Bytes of our tables and of their indexes; [] where SQLite is built without dbstat."""
    try:
        with engine.connect() as connection:
            return [int(connection.execute(text(query)).scalar_one()) for query in SIZES[engine.dialect.name]]
    except OperationalError:
        if engine.dialect.name == "sqlite":
            return []
        raise

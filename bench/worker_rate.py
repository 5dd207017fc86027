"""Deliveries a second of a worker alone, from a full ledger, beside plain COPY of the same rows by psycopg."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Engine, text
from uuid_utils import uuid7

from bench.servers import database, redis, temporary_directory
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from runtime.garbage_collector import collect_rarely
from seven.envelope import Envelope
from seven.timestamps import BERLIN
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.row_writer import Store
from workers.consumer import Consumer

BATCH = 256
SCATTER = 2654435761
"""Multiplying by this number, modulo a power of ten, shuffles numbers without collisions."""
TABLES = ("deliveries", "messages", "message_statuses")


def lines(number: int, first: int = 0, ascending: bool = True) -> Iterator[bytes]:
    """Envelope lines of status deliveries, two for each message: an intermediate status and the final one."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    berlin_at = at.astimezone(BERLIN)
    for n in range(first, first + number):
        status = "TRANSMITTED" if n % 2 else "DELIVERED"
        fields = {
            "msg_id": f"77{n // 2 if ascending else n // 2 * SCATTER % 10**12:012d}",
            "status": status,
            "timestamp": f"{berlin_at + timedelta(milliseconds=n % 10_000):%Y-%m-%d %H:%M:%S.%f}",
        }
        payload = {"data": fields, "webhook_event": "dlr", "webhook_timestamp": berlin_at.isoformat(timespec="seconds")}
        yield Envelope(str(uuid7()), "dlr", at, "JSON", payload).line()


async def fill_ledger(
    redis_url: str, number: int, batch: int = BATCH, first: int = 0, ascending: bool = True
) -> list[str]:
    """Write deliveries into the ledger; returns the ids of their batches."""
    ids = []
    envelopes = list(lines(number, first, ascending))
    async with LedgerWriter(redis_url, 5) as writer:
        for start in range(0, number, batch):
            new = NewBatch(str(uuid7()), "dlr", envelopes[start : start + batch], frozenset())
            (result,) = await writer.accept([new])
            if not isinstance(result, Header):
                raise RuntimeError(str(result))
            ids.append(new.id)
    return ids


def measure(dialect: str, number: int, rounds: int) -> dict[str, list[float]]:
    """Deliveries a second: our worker into empty tables, and COPY of the resulting rows into the emptied tables."""
    rates: dict[str, list[float]] = {"ours": [], "copy": []}
    collect_rarely()  # as a worker does
    for _ in range(rounds):
        with temporary_directory() as directory, redis(directory) as redis_url, database(directory, dialect) as url:
            ids = asyncio.run(fill_ledger(redis_url, number))
            engine, ledger = create_store_engine(url), Ledger(redis_url)
            consumer = Consumer(ledger, Store(engine), CircuitBreaker())
            began = time.perf_counter()
            for start in range(0, len(ids), 32):
                consumer.consume("dlr", ids[start : start + 32])
            rates["ours"].append(number / (time.perf_counter() - began))
            if dialect == "postgresql":
                rates["copy"].append(number / _copy_s(url, engine))
            ledger.close()
            engine.dispose()
    return rates


def _copy_s(url: str, engine: Engine) -> float:
    """Seconds for COPY to write the same rows into the emptied tables, one transaction per 1,024 deliveries."""
    rows_by_table = {}
    with psycopg.connect(url) as connection:
        for table in TABLES:
            rows_by_table[table] = connection.execute(f"SELECT * FROM seven.{table}").fetchall()  # type: ignore[arg-type] # our own table name
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(f'seven.{table}' for table in TABLES)}"))
    steps = max(1, len(rows_by_table["deliveries"]) // 1024)
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        for step in range(steps):
            for table, rows in rows_by_table.items():
                part = rows[len(rows) * step // steps : len(rows) * (step + 1) // steps]
                with connection.cursor().copy(f"COPY seven.{table} FROM STDIN") as copy:  # type: ignore[arg-type] # our own table name
                    for row in part:
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - began

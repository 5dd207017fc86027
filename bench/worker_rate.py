"""Consuming: rows a second of a worker alone, from a full ledger, beside plain COPY of the same rows by psycopg."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Engine, text
from uuid_utils import uuid7

from bench.servers import database, place, redis
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from seven.timestamps import BERLIN
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.row_writer import Store
from workers.consumer import Consumer

BATCH = 256
SCATTER = 2654435761
"""Times this, numbers are in no order, and each is there once."""
TABLES = ("deliveries", "messages", "message_statuses")


def lines(number: int, first: int = 0, ascending: bool = True) -> Iterator[bytes]:
    """Envelopes of deliveries about as many messages, each told twice: a status on its way, and the last one."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    of_berlin = at.astimezone(BERLIN)
    for n in range(first, first + number):
        status = "TRANSMITTED" if n % 2 else "DELIVERED"
        told = {
            "msg_id": f"77{n // 2 if ascending else n // 2 * SCATTER % 10**12:012d}",
            "status": status,
            "timestamp": f"{of_berlin + timedelta(milliseconds=n % 10_000):%Y-%m-%d %H:%M:%S.%f}",
        }
        words = {"data": told, "webhook_event": "dlr", "webhook_timestamp": of_berlin.isoformat(timespec="seconds")}
        yield Envelope(str(uuid7()), "dlr", at, "JSON", words).line()


async def fill(redis_url: str, number: int, batch: int = BATCH, first: int = 0, ascending: bool = True) -> list[str]:
    """Put deliveries into the ledger; returns the batches' ids."""
    ids = []
    told = list(lines(number, first, ascending))
    async with LedgerWriter(redis_url, 5) as acceptor:
        for start in range(0, number, batch):
            new = NewBatch(str(uuid7()), "dlr", told[start : start + batch], frozenset())
            (answer,) = await acceptor.accept([new])
            if not isinstance(answer, Header):
                raise RuntimeError(str(answer))
            ids.append(new.id)
    return ids


def consumed(dialect: str, number: int, rounds: int) -> dict[str, list[float]]:
    """Deliveries a second: ours into empty tables, and COPY of what that has made into the same tables, emptied."""
    found: dict[str, list[float]] = {"ours": [], "copy": []}
    for _ in range(rounds):
        with place() as directory, redis(directory) as redis_url, database(directory, dialect) as url:
            ids = asyncio.run(fill(redis_url, number))
            engine, ledger = create_store_engine(url), Ledger(redis_url)
            consumer = Consumer(ledger, Store(engine), CircuitBreaker())
            began = time.perf_counter()
            for start in range(0, len(ids), 32):
                consumer.consume("dlr", ids[start : start + 32])
            found["ours"].append(number / (time.perf_counter() - began))
            if dialect == "postgresql":
                found["copy"].append(number / _copied(url, engine))
            ledger.close()
            engine.dispose()
    return found


def _copied(url: str, engine: Engine) -> float:
    """Seconds for COPY to write the same rows into the same tables, emptied, in one transaction for each 1,024 deliveries."""
    told = {}
    with psycopg.connect(url) as connection:
        for table in TABLES:
            told[table] = connection.execute(f"SELECT * FROM seven.{table}").fetchall()  # type: ignore[arg-type] # a name of ours
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(f'seven.{table}' for table in TABLES)}"))
    steps = max(1, len(told["deliveries"]) // 1024)
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        for step in range(steps):
            for table, rows in told.items():
                part = rows[len(rows) * step // steps : len(rows) * (step + 1) // steps]
                with connection.cursor().copy(f"COPY seven.{table} FROM STDIN") as copy:  # type: ignore[arg-type] # a name of ours
                    for row in part:
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - began

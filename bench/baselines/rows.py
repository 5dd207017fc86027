"""Write deliveries as the asynchronous baselines do: one transaction, and one statement for each table."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import asyncpg
from pydantic import BaseModel

from bench.baselines.payload import StatusReport, Webhook

POSTGRESQL = (
    """INSERT INTO baseline_deliveries (id, received_at, payload)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::json[]) ON CONFLICT DO NOTHING""",
    """INSERT INTO baseline_message_statuses (msg_id, status, at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamp[]) ON CONFLICT DO NOTHING""",
    """INSERT INTO baseline_messages AS known (msg_id, status, status_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamp[])
    ON CONFLICT (msg_id) DO UPDATE SET status = excluded.status, status_at = excluded.status_at
    WHERE known.status_at < excluded.status_at""",
)
SQLITE = (
    "INSERT INTO baseline_deliveries (id, received_at, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO baseline_message_statuses (msg_id, status, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    """INSERT INTO baseline_messages AS known (msg_id, status, status_at) VALUES (?, ?, ?)
    ON CONFLICT (msg_id) DO UPDATE SET status = excluded.status, status_at = excluded.status_at
    WHERE known.status_at < excluded.status_at""",
)


class Delivery(BaseModel):
    """A delivery on its way to the tables."""

    id: str
    received_at: datetime
    body: str
    """The payload as it came, JSON."""


class Rows(NamedTuple):
    """The rows of some deliveries, by table."""

    deliveries: list[tuple[Any, ...]]
    statuses: list[tuple[Any, ...]]
    messages: list[tuple[Any, ...]]


def rows_of(deliveries: Sequence[Delivery]) -> Rows:
    """The rows of these deliveries: one for each message, with its latest status, in the order of their keys.

    A statement may not update a row twice, and two workers that lock rows in the same order cannot block each other.
    """
    reports = [Webhook.model_validate_json(delivery.body).data for delivery in deliveries]
    latest: dict[str, StatusReport] = {}
    for report in reports:
        if (known := latest.get(report.msg_id)) is None or known.timestamp < report.timestamp:
            latest[report.msg_id] = report
    return Rows(
        [(delivery.id, delivery.received_at, delivery.body) for delivery in deliveries],
        sorted({(report.msg_id, report.status, report.timestamp) for report in reports}),
        [(msg_id, latest[msg_id].status, latest[msg_id].timestamp) for msg_id in sorted(latest)],
    )


class Writer(Protocol):
    """Where deliveries are written to."""

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Returns once they are committed; what was written before is not written again."""

    async def close(self) -> None:
        """Give back what it holds."""


class Postgres:
    """PostgreSQL: a statement takes its rows as an array for each column."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def close(self) -> None:
        """End its connections."""
        await self._pool.close()

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Write them in one transaction."""
        rows = rows_of(deliveries)
        async with self._pool.acquire() as connection, connection.transaction():
            for statement, table_rows in zip(POSTGRESQL, rows, strict=True):
                await connection.execute(statement, *zip(*table_rows, strict=True))


class Sqlite:
    """SQLite: one connection with a thread of its own, as only one transaction can write at a time."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Write them in one transaction."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows_of(deliveries))

    async def close(self) -> None:
        """End its thread and connection."""
        self._thread.shutdown()
        self._connection.close()

    def _write(self, rows: Rows) -> None:
        with self._connection:
            for statement, table_rows in zip(SQLITE, rows, strict=True):
                self._connection.executemany(statement, ([str(v) for v in row] for row in table_rows))


@asynccontextmanager
async def open_writer() -> AsyncIterator[Writer]:
    """The writer of DATABASE_URL, for the length of a block."""
    url = os.environ["DATABASE_URL"]
    writer = (
        Sqlite(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite:")
        else Postgres(await asyncpg.create_pool(url))
    )
    try:
        yield writer
    finally:
        await writer.close()

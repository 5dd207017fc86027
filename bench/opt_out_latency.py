"""Seconds from an accepted STOP to its row in `opt_outs`, while a backlog of status reports waits for the same worker."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import Engine, select
from uuid_utils import uuid7

from bench.servers import database, environment, redis, running, temporary_directory, worker
from bench.worker_rate import fill_ledger
from emulator.wire import json_encode
from ingest.announcer import Announcer
from ledger import keyspace
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker
from ledger.batch import NewBatch
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from store.engine import create_store_engine
from store.schema import opt_outs

PATIENCE_S = 60.0


def measure(waiting: int, samples: int, batch: int = 256, dialect: str = "postgresql") -> dict[str, Any]:
    """Latencies in seconds with a backlog, and how many status reports were left when the last STOP was sent."""
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, dialect) as url,
        Redis.from_url(redis_url) as client,
    ):
        ids = asyncio.run(fill_ledger(redis_url, waiting, batch))
        with _announcer(redis_url, ids) as announcer:
            process = worker(
                directory, "workers.app", environment(redis_url, url), "latency", ["--loglevel", "WARNING"]
            )
            engine = create_store_engine(url)
            with running(process):
                _await_begin(client, len(ids))
                latencies = list(asyncio.run(_stops(redis_url, announcer, engine, samples)))
            left = client.zcard(keyspace.pending("dlr")) * batch
            engine.dispose()
    latencies.sort()
    return {
        "waiting": waiting, "left": left, "samples": samples, "p50": latencies[len(latencies) // 2],
        "p99": latencies[int(0.99 * len(latencies))], "max": latencies[-1],
    }  # fmt: skip


@contextmanager
def _announcer(redis_url: str, ids: list[str]) -> Iterator[Announcer]:
    from celery import Celery  # noqa: PLC0415 - as a receiver makes it

    app = Celery("bench", changes=broker(redis_url))
    for start in range(0, len(ids), BATCHES_PER_ANNOUNCEMENT):
        announce(app, "dlr", ids[start : start + BATCHES_PER_ANNOUNCEMENT])
    announcer = Announcer(app)
    announcer.start()
    try:
        yield announcer
    finally:
        announcer.stop()


def _await_begin(client: Any, batches: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while client.zcard(keyspace.pending("dlr")) >= batches - 8:
        if time.monotonic() > deadline:
            raise RuntimeError("the worker does not consume")
        time.sleep(0.2)


async def _stops(redis_url: str, announcer: Announcer, engine: Engine, samples: int) -> list[float]:
    latencies = []
    async with LedgerWriter(redis_url, 5) as writer:
        for n in range(samples):
            number = f"49151{n:08d}"
            at = datetime.now(UTC)
            payload = {
                "data": {
                    "id": f"{n}",
                    "sender": number,
                    "system": "4915199999999",
                    "text": "STOP",
                    "time": time.time(),
                },
                "webhook_event": "sms_mo",
            }
            assert json_encode(payload)
            batch = NewBatch(
                str(uuid7()), "sms_mo", [Envelope(str(uuid7()), "sms_mo", at, "JSON", payload).line()], frozenset()
            )
            await writer.accept([batch])
            began = time.monotonic()
            announcer.enqueue("sms_mo", batch.id)
            await asyncio.to_thread(_await_row, engine, number)
            latencies.append(time.monotonic() - began)
            await asyncio.sleep(0.05 + n % 7 / 20)
    return latencies


def _await_row(engine: Engine, number: str) -> None:
    query = select(opt_outs.c.state).where(opt_outs.c.number == number)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with engine.connect().execution_options(reads=True) as connection:
            if connection.execute(query).scalar_one_or_none() == "out":
                return
        time.sleep(0.005)
    raise RuntimeError("no opt-out came")


if __name__ == "__main__":
    figures = measure(int(sys.argv[1]), int(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(figures)) if len(sys.argv) > 3 else sys.stdout.write(f"{figures}\n")

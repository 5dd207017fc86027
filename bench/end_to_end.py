"""Carrying: deliveries a second from the wire to the tables, beside the naive rival, with the same Redis and database."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis as redis_client
from sqlalchemy import create_engine, text

from bench.cpu_time import Spending
from bench.servers import TOKEN, Server, database, environment, place, redis, running, worker
from bench.wrk import wrk
from bench.wrk_scripts import written
from ledger.client import Ledger
from seven.events import QUEUES
from tests.processes import Process, beat

CONNECTIONS = 64
LONGEST_S = 300.0


@dataclass(frozen=True)
class Carried:
    """How fast it went, and what it took."""

    rate: float
    """Deliveries a second."""
    spent: dict[str, float]
    """Microseconds of processor time for each delivery, by who spent it."""


@contextmanager
def _ours(
    directory: Path, told: dict[str, str], workers: int, receivers: int
) -> Iterator[tuple[Server, list[Process]]]:
    server = Server(directory, "ingest.app:app", told, "receiver", ["--workers", str(receivers)] * (receivers > 1))
    others: list[Process] = [worker(directory, "workers.app", told, f"worker{n}") for n in range(workers)]
    with running(server, *others, beat(directory, told)):
        yield server, others


@contextmanager
def _naive(directory: Path, told: dict[str, str]) -> Iterator[tuple[Server, list[Process]]]:
    server = Server(directory, "bench.baselines.naive:app", told, "naive")
    one = worker(directory, "bench.baselines.naive:celery", told, "naive-worker", ["--concurrency", "2"])
    with running(server, one):
        yield server, [one]


def carried(
    who: str,
    dialect: str,
    seconds: float,
    workers: int = 1,
    receivers: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> Carried:
    """From the first request until the last one is committed and nothing waits."""
    with place() as directory, redis(directory) as redis_url, database(directory, dialect) as database_url:
        told = environment(redis_url, database_url) | {
            "NAIVE_DATABASE_URL": database_url.replace("postgresql://", "postgresql+psycopg://")
        }
        if who == "naive":
            made = "import bench.baselines.naive as naive; naive.metadata.create_all(naive.engine)"
            subprocess.run([sys.executable, "-c", made], env=os.environ | told, check=True)
        how = _naive(directory, told) if who == "naive" else _ours(directory, told, workers, receivers)
        with how as (server, others):
            time.sleep(6)  # the workers are there
            spending = Spending(pids((server, *others), directory, redis_url))
            began = clock()
            load = wrk(server.url, written(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, seconds)
            if load.failed:
                raise RuntimeError(f"{load.failed} answers were not 2xx")
            (_drained_naive if who == "naive" else drained)(redis_url, clock() + LONGEST_S)
            took = clock() - began
            spent = spending.micros_for(load.requests) | {"wrk": load.processor_s / load.requests * 1e6}
            rows = _count(told["NAIVE_DATABASE_URL"], "naive_deliveries" if who == "naive" else _own(dialect))
        if rows < load.requests:
            raise RuntimeError(f"{who}: {load.requests} answered, {rows} rows")
        return Carried(rows / took, spent)


def pids(processes: Sequence[Process], directory: Path, redis_url: str) -> dict[str, int]:
    """Who does the work, by name, but for the load generator."""
    with redis_client.Redis.from_url(redis_url) as client:
        info: Any = client.info("server")
    told = {"redis": int(info["process_id"])}
    told |= {one.name: one.process.pid for one in processes if one.process}
    with suppress(OSError):
        told["postgresql"] = int((directory / "postgres/data/postmaster.pid").read_text().split()[0])
    return told


def drained(redis_url: str, until: float) -> None:
    """Wait until nothing is pending. Raises RuntimeError where that takes too long."""
    ledger = Ledger(redis_url)
    try:
        while any(one.pending for one in ledger.figures(QUEUES).queues.values()):
            if time.monotonic() > until:
                raise RuntimeError("it does not get through")
            time.sleep(0.02)
    finally:
        ledger.close()


def _drained_naive(redis_url: str, until: float) -> None:
    with redis_client.Redis.from_url(redis_url) as client:
        asked: Any = client
        while asked.llen("celery") or asked.hlen("unacked"):
            if time.monotonic() > until:
                raise RuntimeError("the naive rival does not get through")
            time.sleep(0.05)


def _own(dialect: str) -> str:
    return "seven.deliveries" if dialect == "postgresql" else "deliveries"


def _count(url: str, table: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
    finally:
        engine.dispose()

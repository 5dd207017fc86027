"""Deliveries a second from the wire to the tables, beside the rivals, with the same Redis and database."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis as redis_client
from sqlalchemy import create_engine, insert, text

from bench.baselines.tables import deliveries
from bench.cpu_time import CpuMeter
from bench.rivals import RIVALS, Rival, create_tables
from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from bench.wrk import Load, wrk
from bench.wrk_scripts import write_script
from ledger.client import Ledger
from seven.events import QUEUES
from seven.topics import TOPICS
from store.engine import create_store_engine
from store.schema import reactions
from tests.processes import Process, beat
from tests.servers import eventually

SYSTEMS = ("ours", *RIVALS)
"""What is measured in turns."""
CONNECTIONS = 64
WARM_S = 2.0
LONGEST_S = 300.0


@dataclass(frozen=True)
class Throughput:
    """Rate of a run and its processor time."""

    rate: float
    """Deliveries a second."""
    spent: dict[str, float]
    """Microseconds of processor time per delivery, by process."""


@contextmanager
def _ours(
    directory: Path, settings: dict[str, str], workers: int, receivers: int
) -> Iterator[tuple[Server, list[Process]]]:
    server = Server(directory, "ingest.app:app", settings, "receiver", ["--workers", str(receivers)] * (receivers > 1))
    processes: list[Process] = [worker(directory, "workers.app", settings, f"worker{n}") for n in range(workers)]
    with running(server, *processes, beat(directory, settings)):
        for process in processes:
            process.wait_until_logged("ready")
        yield server, processes


@contextmanager
def _rival(rival: Rival, directory: Path, settings: dict[str, str]) -> Iterator[tuple[Server, list[Process]]]:
    server, consumer = rival.receiver(directory, settings), rival.consumer(directory, settings)
    with running(server, consumer):
        yield server, [consumer]


def measure(
    system: str,
    dialect: str,
    seconds: float,
    workers: int = 1,
    receivers: int = 1,
    clock: Callable[[], float] = time.monotonic,
    *,
    is_subscribed: bool = False,
) -> Throughput:
    """Measure from the first request until every delivery is committed and nothing is pending, all of it warm.

    With `is_subscribed` workers note every change, as for a subscriber of all topics.
    """
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, dialect) as database_url,
    ):
        settings = environment(redis_url, database_url)
        rival = RIVALS.get(system)
        if rival:
            create_tables(database_url)
        if is_subscribed:
            subscribe_to_all(database_url)
        started = _rival(rival, directory, settings) if rival else _ours(directory, settings, workers, receivers)
        with started as (server, processes):
            table = deliveries.name if rival else _own_table(dialect)

            def carry(run: int, for_seconds: float) -> Load:
                load = wrk(server.url, write_script(directory, "dlr", "JSON", TOKEN, run), CONNECTIONS, for_seconds)
                if load.failed:
                    raise RuntimeError(f"{load.failed} answers were not 2xx")
                if rival:
                    wait_until_rival_is_drained(rival, processes[0], redis_url)
                else:
                    wait_until_drained(redis_url, clock() + LONGEST_S)
                return load

            carry(0, WARM_S)
            before = _count(database_url, table)
            meter = CpuMeter(pids((server, *processes), directory, redis_url))
            began = clock()
            load = carry(1, seconds)
            took = clock() - began
            spent = meter.micros_per_delivery(load.requests) | {"wrk": load.processor_s / load.requests * 1e6}
            rows = _count(database_url, table) - before
        if rows < load.requests:
            raise RuntimeError(f"{system}: {load.requests} answered, {rows} rows")
        return Throughput(rows / took, spent)


def rates(dialect: str, rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Deliveries a second of each of SYSTEMS, in turns: A B C A B C."""
    rates_by_name: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for _ in range(rounds):
        for name, rates_of_system in rates_by_name.items():
            rates_of_system.append(measure(name, dialect, seconds).rate)
            tick()
    return rates_by_name


def subscribe_to_all(database_url: str) -> None:
    """Let there be a subscriber of every topic."""
    engine = create_store_engine(database_url)
    topics, now = " ".join(TOPICS), datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(
            insert(reactions).values(name="bench", topics=topics, begun_topics=topics, state="on", since=now)
        )
    engine.dispose()


def pids(processes: Sequence[Process], directory: Path, redis_url: str) -> dict[str, int]:
    """Process ids by name, the servers' included, without the load generator."""
    with redis_client.Redis.from_url(redis_url) as client:
        info: Any = client.info("server")
    pid_by_name = {"redis": int(info["process_id"])}
    pid_by_name |= {process.name: process.process.pid for process in processes if process.process}
    with suppress(OSError):
        pid_by_name["postgresql"] = int((directory / "postgres/pid").read_text())
    return pid_by_name


def wait_until_drained(redis_url: str, deadline: float) -> None:
    """Wait until nothing is pending. Raises RuntimeError when the deadline passes."""
    ledger = Ledger(redis_url)
    try:
        while any(queue.pending for queue in ledger.figures(QUEUES).queues.values()):
            if time.monotonic() > deadline:
                raise RuntimeError("deliveries are still pending after the deadline")
            time.sleep(0.02)
    finally:
        ledger.close()


def wait_until_rival_is_drained(rival: Rival, consumer: Process, redis_url: str) -> None:
    """Wait until a rival has committed everything. Raises RuntimeError when its worker ends, AssertionError after 300 s."""
    assert consumer.process
    running = consumer.process
    eventually(lambda: rival.is_drained_at(redis_url) or running.poll() is not None, LONGEST_S)
    if running.poll() is not None:
        raise RuntimeError(f"{consumer.name} ended: {consumer.log.read_text()}")


def _own_table(dialect: str) -> str:
    return "seven.deliveries" if dialect == "postgresql" else "deliveries"


def _count(url: str, table: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
    finally:
        engine.dispose()

"""Throughput with more processes on one machine, and the processor time of each kind."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from celery import Celery

from bench.cpu_time import CpuMeter
from bench.end_to_end import CONNECTIONS, measure, pids, wait_until_drained
from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from bench.worker_rate import fill_ledger
from bench.wrk import wrk
from bench.wrk_scripts import write_script
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker

PROCESSES = ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2))
"""Receivers and workers."""
RECEIVERS = (1, 2)
WORKERS = (1, 2, 4)
LONGEST_S = 300.0


def carrying(seconds: float, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """From the wire to PostgreSQL: deliveries a second, and microseconds of processor time per delivery, by kind of process."""
    by_processes: dict[str, Any] = {}
    for _ in range(rounds):
        for receivers, workers in PROCESSES:
            throughput = measure("ours", "postgresql", seconds, workers, receivers)
            runs = by_processes.setdefault(f"{receivers} and {workers}", {"rates": [], "spent": []})
            runs["rates"].append(throughput.rate)
            runs["spent"].append(_by_kind(throughput.spent))
            tick()
    return by_processes


def receiving(seconds: float, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """From the wire to the ledger, receivers alone: deliveries a second, and processor time per delivery."""
    by_receivers: dict[str, Any] = {}
    for _ in range(rounds):
        for receivers in RECEIVERS:
            rate, spent = _measure_receivers(seconds, receivers)
            runs = by_receivers.setdefault(f"{receivers}", {"rates": [], "spent": []})
            runs["rates"].append(rate)
            runs["spent"].append(_by_kind(spent))
            tick()
    return by_receivers


def draining(deliveries: int, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """A backlog in batches of 64, workers alone: deliveries a second, and processor time per delivery."""
    by_workers: dict[str, Any] = {}
    for _ in range(rounds):
        for workers in WORKERS:
            rate, spent = _measure_workers(deliveries, workers)
            runs = by_workers.setdefault(f"{workers}", {"rates": [], "spent": []})
            runs["rates"].append(rate)
            runs["spent"].append(_by_kind(spent))
            tick()
    return by_workers


def _measure_receivers(seconds: float, receivers: int) -> tuple[float, dict[str, float]]:
    with temporary_directory() as directory, redis(directory) as redis_url:
        options = ["--workers", str(receivers)] * (receivers > 1)
        server = Server(directory, "ingest.app:app", environment(redis_url), "receiver", options)
        with running(server):
            time.sleep(3)  # until all receivers are ready
            meter = CpuMeter(pids([server], directory, redis_url))
            load = wrk(server.url, write_script(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, seconds)
            if load.failed:
                raise RuntimeError(f"{load.failed} of {load.requests} answers were not 2xx")
            spent = meter.micros_per_delivery(load.requests) | {"wrk": load.processor_s / load.requests * 1e6}
            return load.rate, spent


def _measure_workers(deliveries: int, workers: int) -> tuple[float, dict[str, float]]:
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, "postgresql") as database_url,
    ):
        settings = environment(redis_url, database_url)
        processes = [worker(directory, "workers.app", settings, f"worker{n}") for n in range(workers)]
        with running(*processes):
            ids = asyncio.run(fill_ledger(redis_url, deliveries, 64))
            time.sleep(6)  # until the workers are ready
            app = Celery("bench", set_as_current=False, changes=broker(redis_url))
            meter = CpuMeter(pids(processes, directory, redis_url))
            began = time.monotonic()
            for start in range(0, len(ids), BATCHES_PER_ANNOUNCEMENT):
                announce(app, "dlr", ids[start : start + BATCHES_PER_ANNOUNCEMENT])
            wait_until_drained(redis_url, began + LONGEST_S)
            return deliveries / (time.monotonic() - began), meter.micros_per_delivery(deliveries)


def _by_kind(spent: dict[str, float]) -> dict[str, float]:
    kinds: dict[str, float] = defaultdict(float)
    for name, micros in spent.items():
        kinds[name.rstrip("0123456789")] += micros
    return dict(kinds)

"""Scaling: what more processes bring on one machine, and who uses its processors then."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from celery import Celery

from bench.cpu_time import Spending
from bench.end_to_end import CONNECTIONS, carried, drained, pids
from bench.servers import TOKEN, Server, database, environment, place, redis, running, worker
from bench.worker_rate import fill
from bench.wrk import wrk
from bench.wrk_scripts import written
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker

PROCESSES = ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2))
"""Receivers and workers."""
RECEIVERS = (1, 2)
WORKERS = (1, 2, 4)
LONGEST_S = 300.0


def carrying(seconds: float, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """From the wire to PostgreSQL: deliveries a second, and microseconds of processor for each, by kind of process."""
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for receivers, workers in PROCESSES:
            told = carried("ours", "postgresql", seconds, workers, receivers)
            one = found.setdefault(f"{receivers} and {workers}", {"rates": [], "spent": []})
            one["rates"].append(told.rate)
            one["spent"].append(_by_kind(told.spent))
            tick()
    return found


def receiving(seconds: float, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """From the wire to the ledger, by receivers alone: deliveries a second, and what each takes."""
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for receivers in RECEIVERS:
            rate, spent = _received(seconds, receivers)
            one = found.setdefault(f"{receivers}", {"rates": [], "spent": []})
            one["rates"].append(rate)
            one["spent"].append(_by_kind(spent))
            tick()
    return found


def draining(deliveries: int, rounds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """A backlog in batches of 64, by workers alone: deliveries a second, and what each takes."""
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for workers in WORKERS:
            rate, spent = _drained(deliveries, workers)
            one = found.setdefault(f"{workers}", {"rates": [], "spent": []})
            one["rates"].append(rate)
            one["spent"].append(_by_kind(spent))
            tick()
    return found


def _received(seconds: float, receivers: int) -> tuple[float, dict[str, float]]:
    with place() as directory, redis(directory) as redis_url:
        options = ["--workers", str(receivers)] * (receivers > 1)
        server = Server(directory, "ingest.app:app", environment(redis_url), "receiver", options)
        with running(server):
            time.sleep(3)  # all of them are there
            spending = Spending(pids([server], directory, redis_url))
            load = wrk(server.url, written(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, seconds)
            if load.failed:
                raise RuntimeError(f"{load.failed} of {load.requests} answers were not 2xx")
            spent = spending.micros_for(load.requests) | {"wrk": load.processor_s / load.requests * 1e6}
            return load.rate, spent


def _drained(deliveries: int, workers: int) -> tuple[float, dict[str, float]]:
    with place() as directory, redis(directory) as redis_url, database(directory, "postgresql") as database_url:
        told = environment(redis_url, database_url)
        processes = [worker(directory, "workers.app", told, f"worker{n}") for n in range(workers)]
        with running(*processes):
            ids = asyncio.run(fill(redis_url, deliveries, 64))
            time.sleep(6)  # the workers are there
            app = Celery("bench", set_as_current=False, changes=broker(redis_url))
            spending = Spending(pids(processes, directory, redis_url))
            began = time.monotonic()
            for start in range(0, len(ids), BATCHES_PER_ANNOUNCEMENT):
                announce(app, "dlr", ids[start : start + BATCHES_PER_ANNOUNCEMENT])
            drained(redis_url, began + LONGEST_S)
            return deliveries / (time.monotonic() - began), spending.micros_for(deliveries)


def _by_kind(spent: dict[str, float]) -> dict[str, float]:
    kinds: dict[str, float] = defaultdict(float)
    for name, micros in spent.items():
        kinds[name.rstrip("0123456789")] += micros
    return dict(kinds)

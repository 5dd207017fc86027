"""Scaling: what more processes bring on one machine, and who uses its processors then."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from celery import Celery

from bench.carrying import carried, drained
from bench.consuming import fill
from bench.spending import Spending
from bench.standing import database, environment, place, redis, running, worker
from ledger.announcing import BATCHES_PER_ANNOUNCEMENT, announce, broker

PROCESSES = ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2))
"""Receivers and workers."""
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


def _drained(deliveries: int, workers: int) -> tuple[float, dict[str, float]]:
    with place() as directory, redis(directory) as redis_url, database(directory, "postgresql") as database_url:
        told = environment(redis_url, database_url)
        processes = [worker(directory, "workers.app", told, f"worker{n}") for n in range(workers)]
        with running(*processes):
            ids = asyncio.run(fill(redis_url, deliveries, 64))
            time.sleep(6)  # the workers are there
            app = Celery("bench", set_as_current=False, changes=broker(redis_url))
            spending = Spending({f"worker{n}": one.process.pid for n, one in enumerate(processes) if one.process})
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

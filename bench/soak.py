"""Enduring: memory of a receiver and of a worker over minutes at full load, and of a worker that drains a backlog."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery import Celery
from redis import Redis

from bench.backlog import filled
from bench.cpu_time import memory_bytes
from bench.end_to_end import drained
from bench.servers import TOKEN, Server, database, environment, place, redis, running, worker
from bench.wrk import wrk
from bench.wrk_scripts import written
from ledger import keyspace
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker
from seven.events import QUEUES
from tests.processes import beat

CONNECTIONS = 64
PERIOD_S = 2.0
LONGEST_S = 1800.0

Samples = dict[str, list[list[float]]]
"""By process: seconds since the beginning, and bytes."""


def enduring(minutes: float, backlog: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Samples of both stretches, how many deliveries each was about, and how long the second took."""
    with place() as directory, redis(directory) as redis_url, database(directory, "postgresql") as database_url:
        told = environment(redis_url, database_url)
        server = Server(directory, "ingest.app:app", told, "receiver")
        consumer = worker(directory, "workers.app", told, "worker")
        with running(server, consumer, beat(directory, told)):
            time.sleep(6)  # the worker is there
            pids = {one.name: one.process.pid for one in (server, consumer) if one.process}
            with _sampled(pids, tick) as loaded:
                load = wrk(server.url, written(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, int(60 * minutes))
            if load.failed:
                raise RuntimeError(f"{load.failed} of {load.requests} answers were not 2xx")
            drained(redis_url, time.monotonic() + LONGEST_S)
        # nobody is there while the backlog is made: a sweep would have it announced, and a worker begin with it
        asyncio.run(filled(redis_url, backlog))
        alone = worker(directory, "workers.app", told, "worker-alone")
        with running(alone):
            time.sleep(6)
            began = time.monotonic()
            with _sampled({"worker": alone.process.pid} if alone.process else {}, tick) as draining:
                _announce_all(redis_url)
                drained(redis_url, began + LONGEST_S)
            took = time.monotonic() - began
    return {
        "requests": load.requests, "loaded": loaded,
        "backlog": backlog, "took": took, "draining": draining,
    }  # fmt: skip


def growth(samples: list[list[float]], warm_s: float = 60.0) -> float:
    """The most there was after the first minute, as a multiple of what there was at its end."""
    warm_s = min(warm_s, samples[-1][0] / 4)
    after = [size for at, size in samples if at >= warm_s]
    return max(after) / after[0]


@contextmanager
def _sampled(pids: Mapping[str, int], tick: Callable[[], None]) -> Iterator[Samples]:
    samples: Samples = {name: [] for name in pids}
    ended, began = threading.Event(), time.monotonic()

    def sample() -> None:
        over = False
        while not over:
            over = ended.wait(PERIOD_S)
            for name, pid in pids.items():
                samples[name].append([round(time.monotonic() - began, 1), memory_bytes(pid)])
            tick()

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _announce_all(redis_url: str) -> None:
    """As the sweep would in time, a bounded number at once."""
    app = Celery("bench", set_as_current=False, changes=broker(redis_url))
    with Redis.from_url(redis_url) as client:
        asked: Any = client
        for queue in QUEUES:
            ids = [name.decode() for name in asked.zrange(keyspace.pending(queue), 0, -1)]
            for start in range(0, len(ids), BATCHES_PER_ANNOUNCEMENT):
                announce(app, queue, ids[start : start + BATCHES_PER_ANNOUNCEMENT])

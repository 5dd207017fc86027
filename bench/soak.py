"""Memory of receiver and worker over minutes at full load, and of a worker that drains a backlog."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery import Celery
from redis import Redis

from bench.backlog import fill_ledger
from bench.cpu_time import memory_bytes
from bench.end_to_end import wait_until_drained
from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from bench.wrk import wrk
from bench.wrk_scripts import write_script
from ledger import keyspace
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker
from seven.events import QUEUES
from tests.processes import beat

CONNECTIONS = 64
PERIOD_S = 2.0
LONGEST_S = 1800.0
WARM_S = 60.0

Samples = dict[str, list[list[float]]]
"""By process: seconds since the beginning, and bytes."""


def measure(minutes: float, backlog: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Samples of both phases, their numbers of deliveries, and the seconds that draining took."""
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, "postgresql") as database_url,
    ):
        settings = environment(redis_url, database_url)
        server = Server(directory, "ingest.app:app", settings, "receiver")
        consumer = worker(directory, "workers.app", settings, "worker")
        with running(server, consumer, beat(directory, settings)):
            time.sleep(6)  # until the worker is ready
            pids = {process.name: process.process.pid for process in (server, consumer) if process.process}
            with _sample_memory(pids, tick) as loaded:
                load = wrk(server.url, write_script(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, int(60 * minutes))
            if load.failed:
                raise RuntimeError(f"{load.failed} of {load.requests} answers were not 2xx")
            wait_until_drained(redis_url, time.monotonic() + LONGEST_S)
        # no process runs while the backlog is written: a sweep would announce it, and a worker would start on it
        asyncio.run(fill_ledger(redis_url, backlog))
        alone = worker(directory, "workers.app", settings, "worker-alone")
        with running(alone):
            time.sleep(6)
            began = time.monotonic()
            with _sample_memory({"worker": alone.process.pid} if alone.process else {}, tick) as draining:
                _announce_all(redis_url)
                wait_until_drained(redis_url, began + LONGEST_S)
            took = time.monotonic() - began
    return {
        "requests": load.requests, "loaded": loaded,
        "backlog": backlog, "took": took, "draining": draining,
    }  # fmt: skip


def growth(samples: list[list[float]]) -> float:
    """The peak after the first minute, as a multiple of the memory at the end of that minute."""
    warm_s = min(WARM_S, samples[-1][0] / 4)
    after = [size for at, size in samples if at >= warm_s]
    return max(after) / after[0]


@contextmanager
def _sample_memory(pids: Mapping[str, int], tick: Callable[[], None]) -> Iterator[Samples]:
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
    """Announce all pending batches, as the sweep eventually would, a bounded number at a time."""
    app = Celery("bench", set_as_current=False, changes=broker(redis_url))
    with Redis.from_url(redis_url) as connection:
        client: Any = connection
        for queue in QUEUES:
            ids = [name.decode() for name in client.zrange(keyspace.pending(queue), 0, -1)]
            for start in range(0, len(ids), BATCHES_PER_ANNOUNCEMENT):
                announce(app, queue, ids[start : start + BATCHES_PER_ANNOUNCEMENT])

"""What each process needs: memory and processor time while nothing comes, and at full load with everything in use."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2

from bench.cpu_time import memory_bytes, processor_s
from bench.end_to_end import pids, wait_until_drained
from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from bench.wrk import wrk
from bench.wrk_scripts import write_script
from store.engine import create_store_engine
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.processes import Console, Flower, beat, dispatcher

CONNECTIONS = 64
IDLE_S = 30
READY_S = 15
"""Until everything has started, and workers know the subscriber."""
LONGEST_S = 1800.0

Footprint = dict[str, dict[str, float]]
"""By process: bytes while nothing comes and at most; processor seconds per second while nothing comes, and processor
microseconds per delivery."""


def measure(seconds: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Figures of every process, with a subscriber to all topics, and looks at the console.

    Raises RuntimeError where a delivery was not accepted, and httpx2.HTTPError where the console did not answer.
    """
    target = Subscriber("target")
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, "postgresql") as url,
        serving(target),
    ):
        settings = environment(redis_url, url)
        file = write_file(directory, target)
        server = Server(directory, "ingest.app:app", settings, "receiver")
        console = Console(directory, settings | {"SEVEN_REACTIONS_FILE": str(file)})
        started = (
            server,
            worker(directory, "workers.app", settings, "worker"),
            beat(directory, settings),
            dispatcher(directory, settings | {"SEVEN_REACTIONS_FILE": str(file)}),
            console,
            Flower(directory, settings),
        )
        with running(*started):
            engine = create_store_engine(url)
            begin(engine)
            engine.dispose()
            time.sleep(READY_S)
            by_name = pids(started, directory, redis_url)
            before = _processor(by_name)
            time.sleep(IDLE_S)
            idle = _processor(by_name)
            footprint: Footprint = {
                name: {"idle": memory_bytes(pid), "idle processor": (idle[name] - before[name]) / IDLE_S}
                for name, pid in by_name.items()
            }
            tick()
            with _looking(console.url, by_name) as most:
                load = wrk(server.url, write_script(directory, "dlr", "JSON", TOKEN, 1), CONNECTIONS, seconds)
                if load.failed:
                    raise RuntimeError(f"{load.failed} of {load.requests} answers were not 2xx")
                wait_until_drained(redis_url, time.monotonic() + LONGEST_S)
            for name, used in _processor(by_name).items():
                footprint[name] |= {"most": most[name], "delivery": (used - idle[name]) / load.requests * 1e6}
            tick()
    return {"deliveries": load.requests, "footprint": footprint}


def _processor(by_name: Mapping[str, int]) -> dict[str, float]:
    return {name: processor_s(pid) for name, pid in by_name.items()}


@contextmanager
def _looking(console_url: str, by_name: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Look at the console's overview every second; yields the most memory of each process, complete at the end."""
    most = dict.fromkeys(by_name, 0)
    ended = threading.Event()

    def look() -> None:
        with httpx2.Client(timeout=60) as client:
            while not ended.wait(1):
                client.get(console_url).raise_for_status()
                for name, pid in by_name.items():
                    most[name] = max(most[name], memory_bytes(pid))

    with ThreadPoolExecutor(1) as thread:
        looking = thread.submit(look)
        try:
            yield most
        finally:
            ended.set()
    looking.result()

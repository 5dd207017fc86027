"""Deliveries a second through one receiver, beside the rivals and a bare endpoint, in turns."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis.asyncio import Redis

from bench.rivals import RIVALS
from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory
from bench.wrk import Load, wrk
from bench.wrk_scripts import write_script
from emulator.wire import METHODS
from seven.events import EVENT_TYPES

CONNECTIONS = 64
WARM_S = 2.0


SYSTEMS = ("ours", *RIVALS, "bare")
"""What is measured side by side."""


@contextmanager
def receivers(seconds: float, systems: Sequence[str] = ("ours",)) -> Iterator[dict[str, Callable[..., Load]]]:
    """Load functions of these SYSTEMS: `run(number, event_type, method, connections)`."""
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, "sqlite") as database_url,
    ):
        settings = environment(redis_url, database_url)
        servers = {name: _server(name, directory, settings) for name in systems}
        with running(*servers.values()):
            yield {name: _runner(server, directory, redis_url, seconds) for name, server in servers.items()}


def _server(name: str, directory: Path, settings: dict[str, str]) -> Server:
    if rival := RIVALS.get(name):
        return rival.receiver(directory, settings)
    return Server(directory, {"ours": "ingest.app:app", "bare": "bench.baselines.bare:app"}[name], settings, name)


def _runner(server: Server, directory: Path, redis_url: str, seconds: float) -> Callable[..., Load]:
    def run(number: int, event_type: str = "dlr", method: str = "JSON", connections: int = CONNECTIONS) -> Load:
        asyncio.run(empty_redis(redis_url))
        load = wrk(server.url, write_script(directory, event_type, method, TOKEN, number), connections, seconds)
        if load.failed:
            raise RuntimeError(f"{server.name}: {load.failed} of {load.requests} answers were not 2xx")
        return load

    return run


async def empty_redis(redis_url: str) -> None:
    """Empty Redis, so that runs do not influence each other."""
    async with Redis.from_url(redis_url) as client:
        await client.flushall()


def rates(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Requests a second of each server, in turns: A B C A B C."""
    rates_by_name: dict[str, list[float]] = {}
    with receivers(seconds, SYSTEMS) as runs:
        for name, run in runs.items():
            run(0)
            rates_by_name[name] = []
        for number in range(1, rounds + 1):
            for name, run in runs.items():
                rates_by_name[name].append(run(number).rate)
                tick()
    return rates_by_name


def kinds(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Requests a second of our receiver, by event type and method."""
    rates_by_kind: dict[str, list[float]] = {}
    with receivers(seconds) as runs:
        runs["ours"](0)
        for number in range(1, rounds + 1):
            for event_type in EVENT_TYPES:
                for method in METHODS:
                    load = runs["ours"](number, event_type, method)
                    rates_by_kind.setdefault(f"{event_type} {method}", []).append(load.rate)
                    tick()
    return rates_by_kind


def latency(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Seconds, p50 of each run: one connection to each of SYSTEMS, and a bare SET to an equal Redis."""
    medians: dict[str, list[float]] = {name: [] for name in (*SYSTEMS, "set")}
    with ExitStack() as stack:
        runs = stack.enter_context(receivers(seconds, SYSTEMS))
        redis_url = stack.enter_context(_another_redis())
        for number in range(rounds):
            for name, run in runs.items():
                medians[name].append(run(number, connections=1).p50)
                tick()
            medians["set"].append(asyncio.run(_set(redis_url, seconds)))
            tick()
    return medians


@contextmanager
def _another_redis() -> Iterator[str]:
    with temporary_directory() as directory, redis(directory) as url:
        yield url


async def _set(redis_url: str, seconds: float) -> float:
    """Median seconds of a SET with fsync, with the receiver's client library."""
    took = []
    async with Redis.from_url(redis_url) as client:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            await client.set("bench", b"x" * 500)
            took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


def knee(connection_counts: list[int], seconds: float, tick: Callable[[], None]) -> list[tuple[int, Load]]:
    """Load by number of connections: the rate grows with each until the receiver is saturated, then only latency does."""
    loads = []
    with receivers(seconds) as runs:
        runs["ours"](0)
        for number, connections in enumerate(connection_counts, 1):
            loads.append((connections, runs["ours"](number, connections=connections)))
            tick()
    return loads

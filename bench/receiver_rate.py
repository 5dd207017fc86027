"""Receiving: deliveries a second through one receiver, beside the naive rival and a bare endpoint, in turns."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis.asyncio import Redis

from bench.servers import TOKEN, Server, database, environment, place, redis, running
from bench.wrk import Load, wrk
from bench.wrk_scripts import written
from emulator.wire import METHODS
from seven.events import EVENT_TYPES

CONNECTIONS = 64
WARM_S = 2.0


@contextmanager
def receivers(seconds: float) -> Iterator[dict[str, Callable[..., Load]]]:
    """Ours, the naive rival and the bare endpoint, each loaded by its name: `run(number, event_type, method, connections)`."""
    with place() as directory, redis(directory) as redis_url, database(directory, "sqlite") as database_url:
        told = environment(redis_url, database_url)
        servers = {
            "ours": Server(directory, "ingest.app:app", told, "ours"),
            "naive": Server(
                directory, "bench.baselines.naive:app", told | {"NAIVE_DATABASE_URL": database_url}, "naive"
            ),
            "bare": Server(directory, "bench.baselines.bare:app", told, "bare"),
        }
        with running(*servers.values()):
            yield {name: _loaded(server, directory, redis_url, seconds) for name, server in servers.items()}


def _loaded(server: Server, directory: Path, redis_url: str, seconds: float) -> Callable[..., Load]:
    def run(number: int, event_type: str = "dlr", method: str = "JSON", connections: int = CONNECTIONS) -> Load:
        asyncio.run(emptied(redis_url))
        found = wrk(server.url, written(directory, event_type, method, TOKEN, number), connections, seconds)
        if found.failed:
            raise RuntimeError(f"{server.name}: {found.failed} of {found.requests} answers were not 2xx")
        return found

    return run


async def emptied(redis_url: str) -> None:
    """What one run has left is in no other's way."""
    async with Redis.from_url(redis_url) as client:
        await client.flushall()


def rates(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Requests a second of each, in turns: A B C A B C."""
    found: dict[str, list[float]] = {}
    with receivers(seconds) as runs:
        for name, run in runs.items():
            run(0)
            found[name] = []
        for number in range(1, rounds + 1):
            for name, run in runs.items():
                found[name].append(run(number).rate)
                tick()
    return found


def kinds(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Requests a second of ours, by event type and method."""
    found: dict[str, list[float]] = {}
    with receivers(seconds) as runs:
        runs["ours"](0)
        for number in range(1, rounds + 1):
            for event_type in EVENT_TYPES:
                for method in METHODS:
                    load = runs["ours"](number, event_type, method)
                    found.setdefault(f"{event_type} {method}", []).append(load.rate)
                    tick()
    return found


def latency(rounds: int, seconds: float, tick: Callable[[], None]) -> dict[str, list[float]]:
    """Seconds, p50 of each run: one connection to ours and to the bare endpoint; and a bare SET to the same Redis."""
    found: dict[str, list[float]] = {"ours": [], "bare": [], "set": []}
    with ExitStack() as stack:
        runs = stack.enter_context(receivers(seconds))
        redis_url = stack.enter_context(_another_redis())
        for number in range(rounds):
            for name in ("ours", "bare"):
                found[name].append(runs[name](number, connections=1).p50)
                tick()
            found["set"].append(asyncio.run(_set(redis_url, seconds)))
            tick()
    return found


@contextmanager
def _another_redis() -> Iterator[str]:
    with place() as directory, redis(directory) as url:
        yield url


async def _set(redis_url: str, seconds: float) -> float:
    """The median of a SET with fsync, by the client that the receiver has."""
    took = []
    async with Redis.from_url(redis_url) as client:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            await client.set("bench", b"x" * 500)
            took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


def knee(offered: list[int], seconds: float, tick: Callable[[], None]) -> list[tuple[int, Load]]:
    """Latency against how many ask at once: with each connection more the rate grows, until only the waiting does."""
    found = []
    with receivers(seconds) as runs:
        runs["ours"](0)
        for number, connections in enumerate(offered, 1):
            found.append((connections, runs["ours"](number, connections=connections)))
            tick()
    return found

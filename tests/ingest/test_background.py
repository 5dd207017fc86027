"""Background tasks: they end with the receiver, whatever they are doing."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest import background
from ingest.application import create_app
from ingest.linger import Linger
from ingest.settings import IngestSettings
from ledger import keyspace
from ledger.client import Ledger
from tests.conftest import TOKEN

MOMENTS = 60
"""Turns of the event loop after which each task has written to Redis and received the answer."""


def test_a_receiver_ends_at_any_moment(redis_url: str, ledger: Ledger):
    """A task that outlived the receiver would keep its process, and publish its withdrawn entry again."""
    settings = IngestSettings(redis_url=redis_url, seven_hook_token=TOKEN, seven_metrics_address="off")

    async def run(turns: int) -> list[str]:
        app, own_tasks = create_app(settings), asyncio.all_tasks()
        async with app.router.lifespan_context(app):
            for _ in range(turns):
                await asyncio.sleep(0)
        return [str(task) for task in asyncio.all_tasks() - own_tasks]

    with ThreadPoolExecutor(1) as thread:  # in the main thread a receiver installs signal handlers
        for turns in range(MOMENTS):
            assert (turns, thread.submit(asyncio.run, run(turns)).result()) == (turns, [])
            assert not [*ledger.redis.scan_iter(keyspace.receiver("*"))]


def test_a_lost_cancel_is_repeated():
    """`end` cancels a task until it has ended."""

    async def ignore_two_cancels() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    async def run() -> bool:
        task = background.begin(ignore_two_cancels())
        await asyncio.sleep(0)
        await background.end([task])
        return task.cancelled()

    assert asyncio.run(run())


def test_who_fails_is_named_before_the_end(monkeypatch: pytest.MonkeyPatch):
    """So that a receiver whose batches nobody writes any more does not linger: it would accept for nothing."""
    happened: list[str] = []
    monkeypatch.setattr(background.signal, "raise_signal", lambda number: happened.append(number.name))

    async def fail() -> None:
        raise RuntimeError

    async def run() -> None:
        linger = Linger(60, lambda: None)
        with contextlib.suppress(RuntimeError):
            await background.begin(fail(), linger.skip)
        await asyncio.sleep(0)
        linger.end_later(asyncio.get_running_loop(), lambda: happened.append("ended"))

    asyncio.run(run())
    assert happened == ["SIGTERM", "ended"]

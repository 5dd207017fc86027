"""Background tasks: they run beside the requests, from the start to the end of the receiver."""

import asyncio
import signal
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any

from runtime.logs import logger

log = logger("seven.ingest")

RETRY_S = 0.1
"""Seconds between two cancels of a task that has not ended."""


def begin(work: Coroutine[Any, Any, None], on_failure: Callable[[], None] = lambda: None) -> asyncio.Task[None]:
    """Run `work` in the background. If it fails, `on_failure` is called and the receiver exits."""
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_exit_on_failure, on_failure))
    return task


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until each of them has ended.

    A single cancel can be lost: before Python 3.12 `asyncio.wait_for`, which redis-py uses to write, drops it when the
    awaited operation completes in the same moment.
    """
    while tasks := [task for task in tasks if not task.done()]:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=RETRY_S)


def _exit_on_failure(on_failure: Callable[[], None], task: asyncio.Task[None]) -> None:
    """Without its background tasks a receiver would refuse for ever; its supervisor restarts it."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("a background task ended", exc_info=error)
        on_failure()
        signal.raise_signal(signal.SIGTERM)

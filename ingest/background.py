"""Background tasks: what runs beside all requests, begun and ended with the receiver."""

import asyncio
import signal
from collections.abc import Collection, Coroutine
from typing import Any

from runtime.logs import logger

log = logger("seven.ingest")

AGAIN_S = 0.1
"""Between two cancels of a task that has not ended."""


def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` beside all requests. Should it fail, the receiver ends."""
    task = asyncio.create_task(work)
    task.add_done_callback(_end_with)
    return task


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until each of them has ended.

    A single cancel can be lost: before Python 3.12 `asyncio.wait_for`, by which redis-py writes to its server, drops it
    when what it waits for is done in the same moment.
    """
    while tasks := [task for task in tasks if not task.done()]:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=AGAIN_S)


def _end_with(task: asyncio.Task[None]) -> None:
    """A receiver without its background tasks would refuse for ever: end, and be started again."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("a background task ended", exc_info=error)
        signal.raise_signal(signal.SIGTERM)

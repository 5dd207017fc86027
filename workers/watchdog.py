"""Watchdog: a worker that consumes nothing while its queues wait exits, so that its supervisor restarts it.

Celery is known to stall after a reconnection to Redis (celery#8030, #8091, #9054): the process answers pings and never
takes another message. The batches it had in flight are in the ledger.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from runtime.shutdown import exit_now

EXIT_CODE = 70
CHECKS = 18
"""Consecutive checks that find a waiting queue and an idle worker; spread over `SEVEN_STALL_S`."""


class Watchdog:
    """Watches one worker, in a thread of its own. It counts checks, not time: the machine may be suspended."""

    def __init__(
        self, redis: Redis, stall_s: float, end: Callable[[str, int], object] = exit_now, checks: int = CHECKS
    ) -> None:
        self._redis, self._end, self._checks = redis, end, checks
        self._every_s = stall_s / checks
        self._idle, self._long_tasks = 0, 0

    def reset(self, **_: Any) -> None:
        """Start counting anew: a task began or ended, or committed. Accepts the arguments of Celery's signals."""
        self._idle = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause during a block that may take long."""
        self._long_tasks += 1
        try:
            yield
        finally:
            self._long_tasks -= 1

    def start(self, queues: Collection[str]) -> None:
        """Start to watch these queues of the broker."""
        threading.Thread(target=self._run, args=(queues,), name="watchdog", daemon=True).start()

    def check(self, queues: Collection[str]) -> None:
        """Check once. A worker may be idle while its queues are empty or Redis does not answer."""
        try:
            waiting = any(self._redis.llen(queue) for queue in queues)
        except RedisError:
            waiting = False
        self._idle = self._idle + 1 if waiting and not self._long_tasks else 0
        if self._idle > self._checks:
            self._end("stalled: nothing consumed although a queue waits", EXIT_CODE)

    def _run(self, queues: Collection[str]) -> None:
        while True:
            time.sleep(self._every_s)
            self.check(queues)

"""Stalling: a worker that lives and consumes nothing while its queues wait ends itself, for its supervisor.

Celery is known for it after it had to connect to Redis again (celery#8030, #8091, #9054): the process answers pings and
never takes another message. What it had in hand is in the ledger.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger("seven.workers")

EXIT_CODE = 70


class Watchdog:
    """Watches one worker, in a thread of its own."""

    def __init__(
        self,
        redis: Redis,
        stall_s: float,
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis, self._stall_s, self._end, self._clock = redis, stall_s, end, clock
        self._excused_at = clock()

    def excuse(self, **_: Any) -> None:
        """A task began or ended: nothing stalls. Takes what Celery's signals bring."""
        self._excused_at = self._clock()

    def start(self, queues: Collection[str]) -> None:
        """Begin to watch these queues of the broker."""
        threading.Thread(target=self._run, args=(queues,), name="watchdog", daemon=True).start()

    def look(self, queues: Collection[str]) -> None:
        """Look once. An empty queue excuses a worker that does nothing, and so does a Redis that does not answer."""
        try:
            waiting = any(self._redis.llen(queue) for queue in queues)
        except RedisError:
            waiting = False
        if not waiting:
            self.excuse()
        elif (still_s := self._clock() - self._excused_at) > self._stall_s:
            log.critical("stalled: nothing consumed for %d s although a queue waits; ending", still_s)
            self._end(EXIT_CODE)

    def _run(self, queues: Collection[str]) -> None:
        while True:
            time.sleep(min(10.0, self._stall_s / 5))
            self.look(queues)

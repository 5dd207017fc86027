"""Stalling: a worker that lives and consumes nothing while its queues wait ends itself, for its supervisor.

Celery is known for it after it had to connect to Redis again (celery#8030, #8091, #9054): the process answers pings and
never takes another message. What it had in hand is in the ledger.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from runtime.shutdown import end_now

EXIT_CODE = 70
LOOKS = 18
"""In a row that find a queue waiting and nothing done; spread over `SEVEN_STALL_S`."""


class Watchdog:
    """Watches one worker, in a thread of its own. It counts looks, and not time: a machine may be frozen."""

    def __init__(
        self, redis: Redis, stall_s: float, end: Callable[[str, int], object] = end_now, looks: int = LOOKS
    ) -> None:
        self._redis, self._end, self._looks = redis, end, looks
        self._every_s = stall_s / looks
        self._idle, self._long_tasks = 0, 0

    def excuse(self, **_: Any) -> None:
        """A task began or ended: nothing stalls. Takes what Celery's signals bring."""
        self._idle = 0

    @contextmanager
    def excused(self) -> Iterator[None]:
        """Something that may take long is done by this worker, for the length of a block."""
        self._long_tasks += 1
        try:
            yield
        finally:
            self._long_tasks -= 1

    def start(self, queues: Collection[str]) -> None:
        """Begin to watch these queues of the broker."""
        threading.Thread(target=self._run, args=(queues,), name="watchdog", daemon=True).start()

    def look(self, queues: Collection[str]) -> None:
        """Look once. An empty queue excuses a worker that does nothing, and so does a Redis that does not answer."""
        try:
            waiting = any(self._redis.llen(queue) for queue in queues)
        except RedisError:
            waiting = False
        self._idle = self._idle + 1 if waiting and not self._long_tasks else 0
        if self._idle > self._looks:
            self._end("stalled: nothing consumed although a queue waits", EXIT_CODE)

    def _run(self, queues: Collection[str]) -> None:
        while True:
            time.sleep(self._every_s)
            self.look(queues)

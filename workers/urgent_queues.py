"""Urgent queues: a thread of its own writes inbound messages that wait while a worker's other threads are busy.

Celery hands out announcements in turn, and with a million status reports waiting every thread is busy for seconds: a
STOP would wait for one of them. An idle worker has consumed a batch before this thread looks twice. It writes rows and
settles nothing: a batch that is not announced yet may be resent by its receiver, which must find it in the ledger. So
the worker that gets its announcement consumes it again, to the same rows. Each worker's thread writes what waits, once
in AGAIN_S, and looks at the oldest _MOST_SEEN batches: a STOP behind more of them waits for its turn.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from redis.exceptions import RedisError

from ledger import keyspace
from ledger.announcements import BATCHES_PER_ANNOUNCEMENT
from ledger.client import Ledger
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from seven.events import EVENT_TYPES
from seven.records import InboundMessage

log = logger("seven.workers")

LOOK_S = 0.1
"""Seconds between two looks: what waits at both is written."""
AGAIN_S = 30.0
"""Seconds until a batch is written again that still waits: it could not be written, or nobody has settled it."""
_MOST_SEEN = 1024

URGENT_QUEUES = tuple(
    name for name, event in EVENT_TYPES.items() if any(shape.about is InboundMessage for shape in event.shapes())
)
"""The queues of inbound messages: each may be a STOP."""


class UrgentQueues:
    """The thread, and what it has seen."""

    def __init__(self, ledger: Ledger, write: Callable[[str, Sequence[str]], None]) -> None:
        """`write`: as `Consumer.consume` early."""
        self._ledger, self._write = ledger, write
        self._seen: frozenset[str] = frozenset()
        self._tried: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="urgent", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread after what it writes now."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> None:
        """Write what waited at the last look as well, and what no worker has. Raises redis.RedisError."""
        for queue, batch_ids in list(self._waiting()):
            self._tried |= dict.fromkeys(batch_ids, time.monotonic())
            try:
                self._write(queue, batch_ids)
            except RedisError:
                raise
            except Exception as error:  # noqa: BLE001 - its own announcement fails likewise, with a traceback
                log.warning("an urgent batch failed", queue=queue, cause=type(error).__name__)

    def _waiting(self) -> Iterator[tuple[str, list[str]]]:
        pipeline = self._ledger.redis.pipeline(transaction=False)
        for queue in URGENT_QUEUES:
            pipeline.zrange(keyspace.pending(queue), 0, _MOST_SEEN - 1)
        pending = [[batch_id.decode() for batch_id in ids] for ids in pipeline.execute()]
        before, self._seen = self._seen, frozenset(batch_id for ids in pending for batch_id in ids)
        now = time.monotonic()
        self._tried = {each: at for each, at in self._tried.items() if each in self._seen and now - at < AGAIN_S}
        for queue, ids in zip(URGENT_QUEUES, pending, strict=True):
            waiting = [batch_id for batch_id in ids if batch_id in before and batch_id not in self._tried]
            if waiting:
                workers = self._ledger.redis.hmget(keyspace.IN_FLIGHT, waiting)
                free = [batch_id for batch_id, has in zip(waiting, workers, strict=True) if not has]
                if free:
                    yield queue, free[:BATCHES_PER_ANNOUNCEMENT]

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.look()
            except RedisError as error:
                log.debug("urgent queues not read", cause=redis_reason(error))
                self._ended.wait(1.0)

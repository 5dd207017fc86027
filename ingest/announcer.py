"""Announcer: announces accepted batches to the workers, in its own thread: no answer waits for the broker."""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from celery import Celery

from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from runtime.trace_ids import Trace
from runtime.traces import OFF, Step, Traces

log = logger("seven.ingest")

MOST_WAITING = 10_000
"""Batches that may wait to be announced; the sweep announces the rest."""
REST, LONGEST_PAUSE_S = 20, 0.05
"""How many times as long as a round the pause after it is, and its limit."""
FEW = 4
"""After a round of more batches the pause is the longest: an announcement costs receiver and worker as much CPU as ten
deliveries, for one batch or for many."""


@dataclass(slots=True, eq=False)
class _Accepted:
    """A batch that is to be announced."""

    queue: str
    batch_id: str
    traces: Sequence[Trace]
    """Of those of its deliveries that are sampled."""
    since: float = field(default_factory=time.monotonic)


class Announcer:
    """Sends announcements as fast as the broker takes them; when batches come faster, several go into one."""

    def __init__(self, celery: Celery, traces: Traces = OFF, sleep: Callable[[float], object] = time.sleep) -> None:
        self._celery, self._traces, self._sleep = celery, traces, sleep
        self._waiting: queue.Queue[_Accepted | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def enqueue(self, queue_name: str, batch_id: str, traces: Sequence[Trace] = ()) -> None:
        """Have a batch announced; never blocks, never fails. If the queue is full, the sweep announces it later."""
        try:
            self._waiting.put_nowait(_Accepted(queue_name, batch_id, traces))
        except queue.Full:
            log.debug("announcement left to the sweep: the queue is full", batch=batch_id)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Announce the waiting batches, for `timeout_s` at most, and stop the thread."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            began = time.monotonic()
            waiting, is_last = self._take_with(first)
            is_idle = self._announce(waiting) and sum(map(len, waiting.values())) <= FEW
            if is_last:
                return
            self._sleep(min(REST * (time.monotonic() - began), LONGEST_PAUSE_S) if is_idle else LONGEST_PAUSE_S)

    def _take_with(self, first: _Accepted) -> tuple[dict[str, list[_Accepted]], bool]:
        """A batch and all that wait behind it, by queue; and whether the stop mark was among them."""
        waiting: dict[str, list[_Accepted]] = defaultdict(list)
        entry: _Accepted | None = first
        while entry is not None:
            waiting[entry.queue].append(entry)
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                break
        return waiting, entry is None

    def _announce(self, waiting: Mapping[str, Sequence[_Accepted]]) -> bool:
        """Announce batches of several queues; returns whether the broker took all."""
        taken = [
            self._send(queue_name, batches[start : start + BATCHES_PER_ANNOUNCEMENT])
            for queue_name, batches in waiting.items()
            for start in range(0, len(batches), BATCHES_PER_ANNOUNCEMENT)
        ]
        return all(taken)

    def _send(self, queue_name: str, batches: Sequence[_Accepted]) -> bool:
        error: str | None = None
        try:
            announce(self._celery, queue_name, [batch.batch_id for batch in batches])
        except Exception as failure:  # noqa: BLE001 - kombu raises AttributeError, too; the sweep announces the batches
            error = type(failure).__name__
            log.warning("not announced", queue=queue_name, batches=len(batches), cause=redis_reason(failure))
        ended = time.monotonic()
        for batch in batches:
            for trace in batch.traces:
                self._traces.record(trace, Step("announce", batch.since, ended, error, batch.batch_id))
        return error is None

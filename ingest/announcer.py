"""Announcer: announces accepted batches to the workers, in its own thread: no answer waits for the broker."""

import queue
import threading
import time
from collections import defaultdict

from celery import Celery

from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce
from runtime.logs import logger
from runtime.redis_errors import reason

log = logger("seven.ingest")

MOST_WAITING = 10_000
"""Batches that may wait to be announced; the sweep announces the rest."""
PAUSE_S = 0.05
"""Pause between two rounds: an announcement costs as much CPU as ten deliveries, for one batch or for many."""


class Announcer:
    """Sends announcements as fast as the broker takes them; when batches come faster, several go into one."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def enqueue(self, queue_name: str, batch_id: str) -> None:
        """Have a batch announced; never blocks, never fails. If the queue is full, the sweep announces it later."""
        try:
            self._waiting.put_nowait((queue_name, batch_id))
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
            if self._announce_with(first):
                return
            time.sleep(PAUSE_S)

    def _announce_with(self, first: tuple[str, str]) -> bool:
        """Announce a batch and all that wait behind it. Returns whether the stop mark was among them."""
        waiting: dict[str, list[str]] = defaultdict(list)
        entry: tuple[str, str] | None = first
        while entry is not None:
            queue_name, batch_id = entry
            waiting[queue_name].append(batch_id)
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                break
        for queue_name, batch_ids in waiting.items():
            for start in range(0, len(batch_ids), BATCHES_PER_ANNOUNCEMENT):
                self._send(queue_name, batch_ids[start : start + BATCHES_PER_ANNOUNCEMENT])
        return entry is None

    def _send(self, queue_name: str, batch_ids: list[str]) -> None:
        try:
            announce(self._celery, queue_name, batch_ids)
        except Exception as error:  # noqa: BLE001 - kombu raises AttributeError, too; the sweep announces the batches
            log.warning("not announced", queue=queue_name, batches=len(batch_ids), cause=reason(error))

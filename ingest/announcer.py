"""Announcer: tells the workers of accepted batches, in a thread of its own, off the event loop and off every answer."""

import queue
import threading
import time
from collections import defaultdict

from celery import Celery

from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce
from runtime.logs import logger
from runtime.redis_url import reason

log = logger("seven.ingest")

ROOM = 10_000
"""Batches that may wait to be announced; the sweep announces the ones beyond."""
PAUSE_S = 0.05
"""Between two rounds: an announcement costs as much processor as ten deliveries, whether of one batch or of many."""


class Announcer:
    """Sends announcements as fast as the broker takes them, several batches in one when it is slower than they come."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(ROOM)
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, queue_name: str, batch_id: str) -> None:
        """Have a batch announced; never blocks, never fails. Without room the sweep does it, a little later."""
        try:
            self._waiting.put_nowait((queue_name, batch_id))
        except queue.Full:
            log.debug("no room to announce", batch=batch_id)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Announce what waits, at most for `timeout_s`, and end."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            ends = self._announce_with(first)
            if ends:
                return
            time.sleep(PAUSE_S)

    def _announce_with(self, first: tuple[str, str]) -> bool:
        """Announce one batch and all that wait behind it. Returns whether the end was among them."""
        waiting: dict[str, list[str]] = defaultdict(list)
        told: tuple[str, str] | None = first
        while told is not None:
            waiting[told[0]].append(told[1])
            try:
                told = self._waiting.get_nowait()
            except queue.Empty:
                break
        for queue_name, batch_ids in waiting.items():
            for start in range(0, len(batch_ids), BATCHES_PER_ANNOUNCEMENT):
                self._send(queue_name, batch_ids[start : start + BATCHES_PER_ANNOUNCEMENT])
        return told is None

    def _send(self, queue_name: str, batch_ids: list[str]) -> None:
        try:
            announce(self._celery, queue_name, batch_ids)
        except Exception as error:  # noqa: BLE001 - kombu has raised AttributeError, too; the sweep announces the batch
            log.warning("not announced", queue=queue_name, batches=len(batch_ids), cause=reason(error))

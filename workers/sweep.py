"""Sweep: announces overdue batches, which no worker has settled, again."""

from collections.abc import Callable, Sequence

from ledger.announcements import BATCHES_PER_ANNOUNCEMENT
from ledger.client import Ledger
from runtime.logs import logger
from seven.events import QUEUES
from workers.metrics import WorkerMetrics

log = logger("seven.workers")


class Sweep:
    """Passes over all queues. Two at once do no harm: one script both selects a batch and marks it as announced."""

    def __init__(
        self,
        ledger: Ledger,
        announce: Callable[[str, Sequence[str]], None],
        metrics: WorkerMetrics | None = None,
        *,
        overdue_s: float,
        at_most: int,
    ) -> None:
        self._ledger, self._announce, self._overdue_s, self._at_most = ledger, announce, overdue_s, at_most
        self._metrics = metrics or WorkerMetrics()
        self._longest_queue = -(-at_most // BATCHES_PER_ANNOUNCEMENT)  # announcements; the maximum of one pass

    def run(self) -> int:
        """Announce overdue batches, oldest first, bounded for each queue. Returns the number of batches.

        Raises redis.RedisError or kombu's OperationalError; the next pass continues where this one ended.
        """
        swept = 0
        for queue in QUEUES:
            overdue = self._ledger.overdue(queue, self._overdue_s, self._at_most, self._longest_queue)
            for start in range(0, len(overdue), BATCHES_PER_ANNOUNCEMENT):
                self._announce(queue, overdue[start : start + BATCHES_PER_ANNOUNCEMENT])
            if overdue:
                self._metrics.swept(queue, len(overdue))
                log.info("swept", queue=queue, batches=len(overdue))
            swept += len(overdue)
        self._metrics.sweeps.inc()
        return swept

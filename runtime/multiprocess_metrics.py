"""Multiprocess metrics: processes of one kind on one machine count in one directory, and each can report the sum.

This is the Prometheus client's multiprocess mode, with slots instead of process ids: a process takes the lowest free
slot and continues the counts in its files. So no count is lost when a process is killed, and there are never more
files than concurrent processes. The kernel frees the slot of a process that ends in any way.
"""

import fcntl
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from prometheus_client import Metric, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MultiProcessValue, MutexValue


class SharedMetrics(Collector):
    """The counts of all processes that share a directory, including ended ones."""

    def __init__(self, directory: Path, kind: str) -> None:
        self._directory, self._kind = directory, kind

    def collect(self) -> Iterable[Metric]:
        """The sums. Only counters and histograms: gauges of several processes have no meaningful sum."""
        files = [str(file) for file in self._directory.glob(f"*_{self._kind}[0-9]*.db")]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call] # the client's
        return metrics


def share_metrics(directory: Path | None, kind: str) -> SharedMetrics | None:
    """Make this process count in a directory, or by itself for None. Call it before the first counter is created.

    Raises OSError for a directory that is not writable.
    """
    if directory is None:
        values.ValueClass = MutexValue
        return None
    slot = _claim_slot(directory, kind)
    values.ValueClass = MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call] # the client's
    return SharedMetrics(directory, kind)


def _claim_slot(directory: Path, kind: str) -> str:
    for number in count():
        # never closed: the process holds the lock until it ends
        lock = os.open(directory / f"{kind}{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return f"{kind}{number}"
    raise AssertionError

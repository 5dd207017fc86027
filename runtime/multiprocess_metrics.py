"""Sharing: processes of one kind on one machine count into one directory, and each of them can tell the sum of all.

The Prometheus client's own way, but by places instead of process ids: a process has the lowest place that nobody has,
and counts on from what it finds there. So nothing that was counted is forgotten when one is killed, and there are never
more files than there were processes at once. The kernel frees the place of a process that ends, however it ends.
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


class Shared(Collector):
    """What all that share a directory have counted, the dead included."""

    def __init__(self, directory: Path, kind: str) -> None:
        self._directory, self._kind = directory, kind

    def collect(self) -> Iterable[Metric]:
        """The sums. Counters and histograms only: of two gauges nobody knows which is right."""
        files = [str(file) for file in self._directory.glob(f"*_{self._kind}[0-9]*.db")]
        told: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call] # the client's
        return told


def share(directory: Path | None, kind: str) -> Shared | None:
    """Decide where this process counts, before it makes its first counter; without a directory by itself.

    Raises OSError for a directory where nothing can be written.
    """
    if directory is None:
        values.ValueClass = MutexValue
        return None
    place = _take_place(directory, kind)
    values.ValueClass = MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call] # the client's
    return Shared(directory, kind)


def _take_place(directory: Path, kind: str) -> str:
    for number in count():
        # Never closed: the lock lasts as long as the process.
        lock = os.open(directory / f"{kind}{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return f"{kind}{number}"
    raise AssertionError

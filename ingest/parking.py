"""Parking: how much that nobody understands is kept in an hour."""

import time
from collections.abc import Callable


class Parking:
    """A bucket of bytes that fills up again within an hour; whoever has a token could fill the ledger otherwise."""

    def __init__(self, bytes_per_hour: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = bytes_per_hour
        self._left = float(bytes_per_hour)
        self._clock = clock
        self._at = clock()

    def take(self, size: int) -> bool:
        """Whether a delivery of this size may be parked now; then it counts."""
        now = self._clock()
        self._left = min(self._limit, self._left + (now - self._at) * self._limit / 3600)
        self._at = now
        if size > self._left:
            return False
        self._left -= size
        return True

"""Holding: while the database is away batches stay in the ledger, and one probe at a time finds out if it is back."""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Open after a failure, for a while; then one caller may probe, and its success closes it.

    What is turned away is lost to nobody: the batch stays pending, and the sweep announces it again.
    """

    def __init__(self, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s, self._clock = pause_s, clock
        self._open_until = float("-inf")
        self._lock = threading.Lock()

    def lets_through(self) -> bool:
        """Whether to try now. While open, one caller in every pause is let through: the probe."""
        with self._lock:
            now = self._clock()
            if self._open_until == float("-inf"):
                return True
            if now < self._open_until:
                return False
            self._open_until = now + self._pause_s
            return True

    def failed(self) -> None:
        """Tell of a failure."""
        with self._lock:
            self._open_until = self._clock() + self._pause_s

    def succeeded(self) -> bool:
        """Tell of a success. Returns whether that closed the breaker."""
        with self._lock:
            closed, self._open_until = self._open_until != float("-inf"), float("-inf")
            return closed

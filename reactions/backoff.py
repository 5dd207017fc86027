"""Backoff: when a change is tried again, and when a target is left alone."""

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta

FIRST_S, FACTOR, LONGEST_S = 5.0, 2.0, 4 * 3600.0
"""5 s, 10 s, 20 s, … up to four hours: some 29 attempts in the three days that a change is tried."""
SPREAD = 0.2
"""The fraction by which a pause is shorter or longer, so that what failed together does not come again together."""
OPENS_AFTER = 5
"""Consecutive failures after which a target is left alone."""
PROBE_S, LONGEST_PROBE_S = 5.0, 300.0


def pause(failures: int, retry_after_s: float | None = None, chance: Callable[[], float] = random.random) -> timedelta:
    """How long to wait after so many failures of one change; no shorter than the target asked for."""
    seconds = min(FIRST_S * FACTOR ** (min(failures, 20) - 1), LONGEST_S)
    return timedelta(seconds=max(seconds * (1 + SPREAD * (2 * chance() - 1)), retry_after_s or 0.0))


class TargetBreaker:
    """Opens after consecutive failures of a target; then one change at a time probes it, after growing pauses.

    Threads may share it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failures, self._probe_at, self._pause_s = 0, 0.0, PROBE_S

    @property
    def is_open(self) -> bool:
        """Whether the target is left alone but for probes."""
        return self._failures >= OPENS_AFTER

    def is_waiting(self) -> bool:
        """Whether nothing is to be sent now."""
        return self.is_open and self._clock() < self._probe_at

    def permits(self) -> bool:
        """Whether to send now. While open, one caller gets True after each pause."""
        with self._lock:
            if not self.is_open:
                return True
            now = self._clock()
            if now < self._probe_at:
                return False
            self._probe_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PROBE_S)
            return True

    def failed(self, retry_after_s: float | None = None) -> None:
        """Record a failure. A target that asks to be left alone is, at once."""
        with self._lock:
            self._failures = max(self._failures + 1, OPENS_AFTER if retry_after_s else 0)
            if self._failures == OPENS_AFTER or retry_after_s:
                pause_s = max(self._pause_s, retry_after_s or 0.0)
                self._probe_at = max(self._probe_at, self._clock() + pause_s)

    def end_rest(self) -> None:
        """Let the next change probe the target at once; if it fails, the pauses grow anew."""
        with self._lock:
            self._probe_at, self._pause_s = self._clock(), PROBE_S

    def succeeded(self) -> None:
        """Record a success."""
        with self._lock:
            self._failures, self._pause_s = 0, PROBE_S

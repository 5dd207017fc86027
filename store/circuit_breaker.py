"""Circuit breaker: while the database is down, batches stay in the ledger and one probe at a time tests it."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from runtime.logs import logger

log = logger("seven.workers")

PAUSE_S = 2.0
LONGEST_PAUSE_S = 20.0
"""Even with the spread below `SEVEN_OVERDUE_S`: a batch that the sweep announces again can always be the probe."""
SPREAD = 0.25
"""The fraction by which a pause is shorter or longer, so that workers do not all probe at once."""
PROBE_WAIT_S = 1.0
"""How long other callers wait for the result of a probe. Without it only the probe of a sweep's burst would succeed."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An outage of the database: since when, and the latest error."""

    since: datetime
    reason: str

    def __str__(self) -> str:
        return f"the database accepts no writes ({self.reason}), batches held since {self.since:%Y-%m-%dT%H:%M:%SZ}"


class CircuitBreaker:
    """Open from a failure to the next success; while open, one caller at a time may probe, after growing pauses.

    A rejected batch is not lost: it stays pending, and the sweep announces it again.
    """

    def __init__(
        self,
        pause_s: float = PAUSE_S,
        longest_s: float = LONGEST_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s, self._longest_s, self._clock, self._chance = pause_s, longest_s, clock, chance
        self._pause_s, self._probe_at, self._opened_at = pause_s, 0.0, 0.0
        self._probing = False
        self._lock = threading.Condition()
        self.holds = 0
        """How often the breaker has opened."""
        self.hold: Hold | None = None
        """The current outage; None while the database works."""

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Yield whether to try now; the block then calls `failed` or `succeeded`."""
        with self._lock:
            self._lock.wait_for(lambda: not self._probing, PROBE_WAIT_S)
            probes = self.hold is not None and not self._probing and self._clock() >= self._probe_at
            allowed = probes or self.hold is None
            self._probing |= probes
        try:
            yield allowed
        finally:
            if probes:
                with self._lock:
                    self._probing = False
                    self._lock.notify_all()

    def failed(self, reason: str) -> None:
        """Record a failure."""
        with self._lock:
            opens = self.hold is None
            if opens:
                self.holds += 1
                self._pause_s, self._opened_at = self._first_s, self._clock()
                log.warning("holding batches: the database accepts no writes", cause=reason)
            if opens or self._probing:  # of failures that were under way at the same moment only the first counts
                self._probe_at = self._clock() + self._pause_s * (1 + SPREAD * (2 * self._chance() - 1))
                self._pause_s = min(2 * self._pause_s, self._longest_s)
            self.hold = Hold(self.hold.since if self.hold else datetime.now(UTC), reason)

    def succeeded(self) -> None:
        """Record a success."""
        with self._lock:
            if self.hold is not None:
                log.warning("the database is back", held_s=round(self._clock() - self._opened_at))
            self.hold = None

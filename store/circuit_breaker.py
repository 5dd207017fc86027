"""Holding: while the database is away batches stay in the ledger, and one probe at a time finds out if it is back."""

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
"""With its spread still below `SEVEN_OVERDUE_S`: whenever the sweep announces a batch again, it may be the probe."""
SPREAD = 0.25
"""The part by which a pause is shorter or longer, so that many workers do not probe at once."""
VERDICT_S = 1.0
"""How long those who come during a probe wait for what it finds: else a good one would be all that a sweep brings."""


@dataclass(frozen=True, slots=True)
class Hold:
    """That the database takes nothing: since when, and what it said last."""

    since: datetime
    cause: str

    def __str__(self) -> str:
        return f"the database does not take anything ({self.cause}), held since {self.since:%Y-%m-%dT%H:%M:%SZ}"


class CircuitBreaker:
    """Open from a failure to the next success; while open one caller at a time may probe, after pauses that grow.

    What is turned away is lost to nobody: the batch stays pending, and the sweep announces it again.
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
        """How often it has opened."""
        self.hold: Hold | None = None
        """What is being waited for; None while the database works."""

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether to try now, for the length of a block that tells of its `failed` or `succeeded`."""
        with self._lock:
            self._lock.wait_for(lambda: not self._probing, VERDICT_S)
            probes = self.hold is not None and not self._probing and self._clock() >= self._probe_at
            may = probes or self.hold is None
            self._probing |= probes
        try:
            yield may
        finally:
            if probes:
                with self._lock:
                    self._probing = False
                    self._lock.notify_all()

    def failed(self, cause: str) -> None:
        """Tell of a failure."""
        with self._lock:
            opens = self.hold is None
            if opens:
                self.holds += 1
                self._pause_s, self._opened_at = self._first_s, self._clock()
                log.warning("holding: the database does not take anything", cause=cause)
            if opens or self._probing:  # of those who were on their way at the same moment the first one counts
                self._probe_at = self._clock() + self._pause_s * (1 + SPREAD * (2 * self._chance() - 1))
                self._pause_s = min(2 * self._pause_s, self._longest_s)
            self.hold = Hold(self.hold.since if self.hold else datetime.now(UTC), cause)

    def succeeded(self) -> None:
        """Tell of a success."""
        with self._lock:
            if self.hold is not None:
                log.warning("the database is back", held_s=round(self._clock() - self._opened_at))
            self.hold = None

"""Hour cache: counts of the last hours, of which each look at a page reads those that may have changed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import Connection

from operations.hourly_counts import HOUR, CountHour, Counts

MOST_HOURS = 7 * 24
FRESH_S = {timedelta(hours=1): 10.0, timedelta(days=1): 60.0}
"""After how long an hour is read anew, by how long it has been over: deliveries come late, and results change."""
OLD_S = 600.0
BUDGET_S = 0.05
"""Reading stops after that time; what is still missing is read at the next look."""


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Counts by kind of one hour; None while they have not been read."""

    hour: datetime
    counts: Mapping[str, int] | None


class Budget:
    """Time to spend on reading."""

    def __init__(self, seconds: float = BUDGET_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._left, self._clock = seconds, clock

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self._left <= 0

    def spend(self, began: float) -> None:
        """Take what has passed since a time of the clock."""
        self._left -= self._clock() - began


class HourCache:
    """The last hours of one kind of record."""

    def __init__(self, count_hour: CountHour, clock: Callable[[], float] = time.monotonic) -> None:
        self._count_hour, self._clock, self._lock = count_hour, clock, Lock()
        self._read: dict[datetime, tuple[float, Counts]] = {}

    def refresh(self, connection: Connection, now: datetime, back: int, budget: Budget) -> None:
        """Read the hour that many hours back, if it is missing or old and the budget allows it."""
        present = _hour_of(now)
        hour = present - HOUR * back
        if self._is_fresh(hour, now) or (back and budget.is_spent):  # the present hour is always read
            return
        began = self._clock()
        counts = self._count_hour(connection, hour)
        budget.spend(began)
        with self._lock:
            self._read[hour] = self._clock(), counts
            self._read = {hour: read for hour, read in self._read.items() if hour > present - HOUR * MOST_HOURS}

    def last(self, now: datetime, hours: int) -> list[HourCounts]:
        """That many hours up to the present one, the earliest first."""
        present = _hour_of(now)
        with self._lock:
            read = {hour: counts for hour, (_, counts) in self._read.items()}
        return [HourCounts(hour, read.get(hour)) for hour in (present - HOUR * back for back in reversed(range(hours)))]

    def has(self, now: datetime, hours: int) -> bool:
        """Whether all of these hours have been read."""
        return all(entry.counts is not None for entry in self.last(now, hours))

    def _is_fresh(self, hour: datetime, now: datetime) -> bool:
        over_for = now - (hour + HOUR)
        lasts_s = next((seconds for bound, seconds in FRESH_S.items() if over_for < bound), OLD_S)
        with self._lock:
            read = self._read.get(hour)
        return read is not None and self._clock() - read[0] <= lasts_s


def refresh_all(caches: Sequence[HourCache], connection: Connection, now: datetime, hours: int, budget: Budget) -> None:
    """Refresh the last hours of several kinds, the latest hour of all first, within one budget."""
    for back in range(hours):
        for cache in caches:
            cache.refresh(connection, now, back, budget)


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

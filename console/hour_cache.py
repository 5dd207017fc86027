"""Hour cache: counts of the last hours, of which each look at a page reads those that have been due longest."""

import math
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
"""A look stops reading after that time; what is still due is read after its answer."""
_NEVER = -math.inf
"""When an hour that has not been read became due: before all others."""


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Counts by kind of one hour; None while they have not been read."""

    hour: datetime
    counts: Mapping[str, int] | None
    stale_for: timedelta | None = None
    """How long ago the hour was counted, if it is due to be counted anew."""


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

    def refresh_present(self, connection: Connection, now: datetime, budget: Budget) -> None:
        """Count the present hour if it is due, whatever is left of the budget."""
        hour = _hour_of(now)
        if self._due_at(hour, now) < self._clock():
            self.count(connection, hour, now, budget)

    def count(self, connection: Connection, hour: datetime, now: datetime, budget: Budget) -> None:
        """Count one hour, and forget those that are older than MOST_HOURS."""
        began = self._clock()
        counts = self._count_hour(connection, hour)
        budget.spend(began)
        oldest = _hour_of(now) - HOUR * MOST_HOURS
        with self._lock:
            self._read[hour] = self._clock(), counts
            self._read = {hour: read for hour, read in self._read.items() if hour > oldest}

    def due(self, now: datetime, hours: int) -> list[tuple[float, datetime]]:
        """Which of the last hours are due, and since when."""
        clock = self._clock()
        due = [(self._due_at(hour, now), hour) for hour in _last(now, hours)]
        return [entry for entry in due if entry[0] < clock]

    def last(self, now: datetime, hours: int) -> list[HourCounts]:
        """That many hours up to the present one, the earliest first."""
        stale, clock = {hour for _, hour in self.due(now, hours)}, self._clock()
        with self._lock:
            read = dict(self._read)
        entries = []
        for hour in reversed(_last(now, hours)):
            at, counts = read.get(hour, (clock, None))
            is_stale = counts is not None and hour in stale
            entries.append(HourCounts(hour, counts, timedelta(seconds=clock - at) if is_stale else None))
        return entries

    def is_fresh(self, now: datetime, hours: int, at: float) -> bool:
        """Whether none of these hours was due at a time of the clock, or each has been counted since."""
        return all(self._due_at(hour, now) >= at for hour in _last(now, hours))

    def _due_at(self, hour: datetime, now: datetime) -> float:
        """When the hour has to be counted anew, by the clock."""
        over_for = now - (hour + HOUR)
        lasts_s = next((seconds for bound, seconds in FRESH_S.items() if over_for < bound), OLD_S)
        with self._lock:
            read = self._read.get(hour)
        return _NEVER if read is None else read[0] + lasts_s


def refresh_all(caches: Sequence[HourCache], connection: Connection, now: datetime, hours: int, budget: Budget) -> None:
    """Count what is due of the last hours of several kinds within one budget.

    The present hour of each comes first, whatever it costs; then whatever has been due longest, so that looks at any
    interval keep all hours up to date in turn; of those never counted the latest.
    """
    for cache in caches:
        cache.refresh_present(connection, now, budget)
    due = [(since, now - hour, hour, cache) for cache in caches for since, hour in cache.due(now, hours)]
    for _, _, hour, cache in sorted(due, key=lambda entry: entry[:2]):
        if budget.is_spent:
            return
        cache.count(connection, hour, now, budget)


def _last(now: datetime, hours: int) -> list[datetime]:
    """That many hours, the present one first."""
    return [_hour_of(now) - HOUR * back for back in range(hours)]


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

"""Hour cache: counts of the last hours, of which each look at a page reads those that may have changed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import Connection

from operations.hourly_counts import HOUR, CountHours, Counts

SPAN = timedelta(hours=6)
"""Hours are read in spans of this length, which begin at 0, 6, 12 and 18 o'clock."""
MOST_HOURS = 7 * 24
FRESH_S = {timedelta(hours=1): 10.0, timedelta(days=1): 60.0}
"""After how long a span is read anew, by how long it has been over: deliveries come late, and results change."""
OLD_S = 600.0
BUDGET_S = 0.06
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

    def __init__(self, count_hours: CountHours, clock: Callable[[], float] = time.monotonic) -> None:
        self._count_hours, self._clock, self._lock = count_hours, clock, Lock()
        self._read: dict[datetime, tuple[float, Counts]] = {}

    def refresh(self, connection: Connection, now: datetime, back: int, budget: Budget) -> None:
        """Read the span that many spans back, if it is missing or old and the budget allows it."""
        since = _span_of(now) - SPAN * back
        if not self._is_fresh(since, now) and not (back and budget.is_spent):
            began = self._clock()
            counts = self._count_hours(connection, since, since + SPAN)
            with self._lock:
                self._read[since] = self._clock(), counts
                oldest = _span_of(now) - timedelta(hours=MOST_HOURS)
                self._read = {span: read for span, read in self._read.items() if span >= oldest}
            if back:  # the present span is always read
                budget.spend(began)

    def last(self, now: datetime, hours: int) -> list[HourCounts]:
        """That many hours up to the present one, the earliest first."""
        present = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        with self._lock:
            read = {span: counts for span, (_, counts) in self._read.items()}
        wanted = [present - HOUR * back for back in reversed(range(hours))]
        return [
            HourCounts(hour, read[span].get(hour, {}) if (span := _span_of(hour)) in read else None) for hour in wanted
        ]

    def has(self, now: datetime, hours: int) -> bool:
        """Whether all of these hours have been read."""
        return all(entry.counts is not None for entry in self.last(now, hours))

    def _is_fresh(self, since: datetime, now: datetime) -> bool:
        over_for = now - (since + SPAN)
        lasts_s = next((seconds for bound, seconds in FRESH_S.items() if over_for < bound), OLD_S)
        with self._lock:
            read = self._read.get(since)
        return read is not None and self._clock() - read[0] <= lasts_s


def refresh_all(caches: Sequence[HourCache], connection: Connection, now: datetime, hours: int, budget: Budget) -> None:
    """Refresh the last hours of several kinds, the latest span of all first, within one budget."""
    for back in range(_spans(hours)):
        for cache in caches:
            cache.refresh(connection, now, back, budget)


def _spans(hours: int) -> int:
    return -(-hours // (SPAN // HOUR)) + 1


def _span_of(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at.replace(hour=at.hour - at.hour % (SPAN // HOUR), minute=0, second=0, microsecond=0)

"""Clock: beat's scheduler, which counts by no wall clock, and sends no more while nobody takes what it has sent.

No expiry: Celery judges that by the worker's clock, and where all of those run ahead of beat's nothing would ever be
swept; and what nobody takes would stay in the queue all the same. Each of these tasks may run late, or twice.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from redis.exceptions import RedisError

from ledger.announcements import CLOCK

if TYPE_CHECKING:
    from workers.heartbeat import Heartbeat

MOST_WAITING = 20
"""Tasks of the clock that wait for a worker."""


def every(seconds: float) -> Any:
    """A schedule of Celery's. By the wall clock it would be silent after that was set back, until it has caught up."""
    return schedule(timedelta(seconds=seconds), nowfun=_uptime)


def _uptime() -> datetime:
    """What counts on whatever becomes of the wall clock, as the kind of value that Celery's schedules count in."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=time.monotonic())


class BoundedScheduler(Scheduler):  # type: ignore[misc] # Celery ships no types
    """Only intervals, so nothing to remember: a beat that was killed leaves no file that could be damaged."""

    pulse: Heartbeat | None = None

    @property
    def periods(self) -> dict[str, float]:
        """The seconds between two of each task."""
        return {entry.task: entry.schedule.seconds for entry in self.schedule.values()}

    def install_default_entries(self, data: Any) -> None:
        """None: Celery would clean results up, which we have none of, and at an hour of the wall clock."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and say that this beat lives. Returns the seconds to the next tick."""
        if self.pulse:
            self.pulse.beat()
        pause: float = super().tick(*args, **kwargs)
        return pause

    def close(self) -> None:
        """End."""
        super().close()
        if self.pulse:
            self.pulse.end()

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a task that is due, unless too many wait; then it is due again after its interval."""
        if not _too_many(producer):
            super().apply_entry(entry, producer)
        elif self.pulse:
            self.pulse.skipped(entry.task)

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        """Send a task, and say so once the broker has it. Raises celery's SchedulingError, which is logged."""
        result = super().apply_async(entry, *args, **kwargs)
        if self.pulse:
            self.pulse.sent(entry.task)
        return result


def _too_many(producer: Any) -> bool:
    try:
        return bool(producer is not None and producer.channel.client.llen(CLOCK) >= MOST_WAITING)
    except RedisError:  # sending fails as well, and says so
        return False

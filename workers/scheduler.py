"""Beat's scheduler: it counts by the monotonic clock, and sends nothing while too many tasks wait for a worker.

Tasks do not expire: Celery judges expiry by the worker's clock, so workers whose clocks all run ahead of beat's would
never sweep; and tasks that no worker takes would stay in the queue anyway. Each of these tasks may run late, or twice.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from redis.exceptions import RedisError

from ledger.announcements import CLOCK
from ledger.schedules import MAX_CLOCK_WAITING

if TYPE_CHECKING:
    from workers.heartbeat import Heartbeat


def every(seconds: float) -> Any:
    """An interval schedule for Celery. By the wall clock, beat would pause after the clock was set back."""
    return schedule(timedelta(seconds=seconds), nowfun=_uptime)


def began(ago_s: float) -> datetime:
    """As `last_run_at` of an entry, the time so many seconds ago: its task is first due that much sooner."""
    return _uptime() - timedelta(seconds=ago_s)


def _uptime() -> datetime:
    """The monotonic clock as a datetime, which is the type that Celery's schedules count in."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=time.monotonic())


class BoundedScheduler(Scheduler):  # type: ignore[misc] # Celery ships no types
    """Schedules intervals only, so it needs no state file, which a killed beat could leave damaged."""

    heartbeat: Heartbeat | None = None

    @property
    def periods(self) -> dict[str, float]:
        """The interval of each task in seconds."""
        return {entry.task: entry.schedule.seconds for entry in self.schedule.values()}

    def install_default_entries(self, data: Any) -> None:
        """Install none: Celery would clean up results, which do not exist here, at an hour of the wall clock."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Record a heartbeat and send due tasks. Returns the seconds to the next tick."""
        if self.heartbeat:
            self.heartbeat.beat()
        pause: float = super().tick(*args, **kwargs)
        return pause

    def close(self) -> None:
        """Stop, and remove the heartbeat."""
        super().close()
        if self.heartbeat:
            self.heartbeat.end()

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a due task, or skip it until its next interval if too many wait."""
        if not _too_many(producer):
            super().apply_entry(entry, producer)
        elif self.heartbeat:
            self.heartbeat.skipped(entry.task)

    def apply_async(self, entry: ScheduleEntry, *args: Any, **kwargs: Any) -> Any:
        """Send a task, and record it once the broker has it. Raises celery's SchedulingError, which is logged."""
        result = super().apply_async(entry, *args, **kwargs)
        if self.heartbeat:
            self.heartbeat.sent(entry.task)
        return result


def _too_many(producer: Any) -> bool:
    try:
        return bool(producer is not None and producer.channel.client.llen(CLOCK) >= MAX_CLOCK_WAITING)
    except RedisError:  # sending fails as well, and is logged
        return False

"""Clock: beat's scheduler, which sends no more while nobody takes what it has sent.

No expiry: Celery judges that by the worker's clock, and where all of those run ahead of beat's nothing would ever be
swept; and what nobody takes would stay in the queue all the same. Each of these tasks may run late, or twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.beat import ScheduleEntry, Scheduler
from redis.exceptions import RedisError

from ledger.announcing import CLOCK

if TYPE_CHECKING:
    from workers.pulse import Pulse

MOST_WAITING = 20
"""Tasks of the clock that wait for a worker."""


class BoundedScheduler(Scheduler):  # type: ignore[misc] # Celery ships no types
    """Only intervals, so nothing to remember: a beat that was killed leaves no file that could be damaged."""

    pulse: Pulse | None = None

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
        sends = not _too_many(producer)
        if sends:
            super().apply_entry(entry, producer)
        if self.pulse:
            (self.pulse.sent if sends else self.pulse.skipped)(entry.task)


def _too_many(producer: Any) -> bool:
    try:
        return bool(producer is not None and producer.channel.client.llen(CLOCK) >= MOST_WAITING)
    except RedisError:  # sending fails as well, and says so
        return False

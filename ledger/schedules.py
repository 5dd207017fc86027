"""Schedules: what a beat records of its ticks and tasks, and when either is late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger import keyspace
from ledger.client import Ledger
from ledger.clock import clock

MISSED_ROUNDS = 3
"""Rounds of a schedule; a task that misses more is late."""
BEAT_TICK_S = 5.0
"""The longest pause between two ticks of a beat, whatever its schedule."""
BEAT_SILENT_S = 60.0
"""A beat that has not ticked for longer counts as dead."""
MAX_CLOCK_WAITING = 20
"""Scheduled tasks that may wait for a worker; beyond it beat sends no more."""
DELAY_S = 60.0
"""Added to any schedule, however quick, for processes that start."""


def is_late(age_s: float, period_s: float) -> bool:
    """Whether a periodic event is overdue beyond an ordinary delay."""
    return age_s > MISSED_ROUNDS * period_s + DELAY_S


def is_recent(age_s: float, period_s: float) -> bool:
    """Whether the result of a periodic task is neither overdue nor of the future.

    It is of the future where Redis' clock has been set back since; its true age is unknown then.
    """
    return age_s >= 0 and not is_late(age_s, period_s)


@dataclass(frozen=True, slots=True)
class Sent:
    """When a beat last sent one of its tasks, and its period."""

    age_s: float
    """Negative if Redis' clock has been set back since."""
    period_s: float

    @property
    def late(self) -> bool:
        """Whether the task is late, beyond an ordinary delay."""
        return is_late(self.age_s, self.period_s)


def sent_entry(now_ms: int, period_s: float) -> str:
    """The stored form of a task that a beat has sent."""
    return f"{now_ms} {period_s}"


def sent_tasks(entries: Mapping[bytes, bytes], now: datetime) -> dict[str, Sent]:
    """The tasks that beats have sent, by name, from their stored forms."""
    by_task = {}
    for task, entry in entries.items():
        ms, _, period_s = entry.decode().partition(" ")
        by_task[task.decode()] = Sent(now.timestamp() - int(ms) / 1000, float(period_s))
    return by_task


def beats(ledger: Ledger) -> tuple[float, ...]:
    """Seconds since the last tick of each beat, latest first. Raises redis.RedisError when Redis is unreachable."""
    ticks: Any = ledger.redis.zrange(keyspace.BEATS, 0, -1, withscores=True)
    return beat_ages_s(ticks, clock(ledger.redis))


def beat_ages_s(beats: Sequence[tuple[bytes, float]], now: datetime) -> tuple[float, ...]:
    """Seconds since the last tick of each beat, latest first.

    Ticks in the future are left out: Redis' clock has been set back since, and a running beat ticks again in seconds.
    """
    ages = sorted(now.timestamp() - ms / 1000 for _, ms in beats)
    return tuple(age_s for age_s in ages if age_s > -DELAY_S)

"""Statistics of the ledger, in two round trips: pending batches, last deliveries, beats and their tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from redis import Redis
from redis.exceptions import NoPermissionError

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Figures, Ledger

UNACKED = "unacked"
"""The broker's key of messages that workers have taken and not acknowledged."""
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


@dataclass(frozen=True, slots=True)
class LedgerStats:
    """State of the ledger, by Redis' clock."""

    figures: Figures
    last_at: Mapping[str, datetime]
    """By queue, when the last delivery was accepted."""
    beat_ages_s: tuple[float, ...]
    """Seconds since the last tick of each beat that has neither ended nor been silent for an hour, latest first."""
    sent: Mapping[str, Sent]
    """By scheduled task; empty before the first beat."""
    clock_announcements: int
    unacked: int
    used: int | None
    """Bytes; None where the server denies it."""
    maxmemory: int
    """Bytes; 0 where Redis has no limit of its own."""
    retained_at: datetime | None
    """When the last pass of retention ended."""
    retention_refused: str | None
    """Why that pass, or a later one, removed nothing: which clocks disagree, or that all jumped."""


def ledger_stats(ledger: Ledger, queues: Sequence[str]) -> LedgerStats:
    """Read the statistics. Raises redis.RedisError when Redis is unreachable."""
    figures = ledger.figures(queues)
    pipeline = ledger.redis.pipeline(transaction=False)
    pipeline.hgetall(keyspace.LAST)
    pipeline.zrange(keyspace.BEATS, 0, -1, withscores=True)
    pipeline.llen(CLOCK)
    pipeline.hlen(UNACKED)
    pipeline.hget(keyspace.RETENTION, "at_ms")
    pipeline.get(keyspace.RETENTION_REFUSED)
    pipeline.hgetall(keyspace.SENT)
    last, beats, clock, unacked, retained_ms, refused, entries = pipeline.execute()
    memory = _memory(ledger)
    return LedgerStats(
        figures=figures,
        last_at={queue.decode(): keyspace.as_time(int(ms)) for queue, ms in last.items()},
        beat_ages_s=beat_ages_s(beats, figures.now),
        sent=_sent(entries, figures.now),
        clock_announcements=clock,
        unacked=unacked,
        used=int(memory["used_memory"]) if "used_memory" in memory else None,
        maxmemory=int(memory.get("maxmemory", 0)),
        retained_at=keyspace.as_time(int(retained_ms)) if retained_ms else None,
        retention_refused=refused.decode() if refused else None,
    )


def _memory(ledger: Ledger) -> Mapping[str, Any]:
    """The memory section of INFO; empty where a managed server denies it."""
    try:
        return ledger.redis.info("memory")
    except NoPermissionError:
        return {}


def beats(ledger: Ledger) -> tuple[float, ...]:
    """Seconds since the last tick of each beat, latest first. Raises redis.RedisError when Redis is unreachable."""
    ticks: Any = ledger.redis.zrange(keyspace.BEATS, 0, -1, withscores=True)
    return beat_ages_s(ticks, clock(ledger))


def sent_entry(now_ms: int, period_s: float) -> str:
    """The stored form of a task that a beat has sent."""
    return f"{now_ms} {period_s}"


def is_late(age_s: float, period_s: float) -> bool:
    """Whether a periodic event is overdue beyond an ordinary delay."""
    return age_s > MISSED_ROUNDS * period_s + DELAY_S


def is_recent(age_s: float, period_s: float) -> bool:
    """Whether the result of a periodic task is neither overdue nor of the future.

    It is of the future where Redis' clock has been set back since; its true age is unknown then.
    """
    return age_s >= 0 and not is_late(age_s, period_s)


def tokens(ledger: Ledger) -> dict[str, datetime]:
    """When each hook token last brought a delivery, by its fingerprint. Raises redis.RedisError."""
    used_ms = cast("dict[bytes, bytes]", ledger.redis.hgetall(keyspace.TOKENS))
    return {fingerprint.decode(): keyspace.as_time(int(ms)) for fingerprint, ms in used_ms.items()}


def clock(ledger: Ledger) -> datetime:
    """The time by Redis' clock. Raises redis.RedisError when Redis is unreachable."""
    return keyspace.as_time(now_ms(ledger.redis))


def now_ms(redis: Redis) -> int:
    """The same in milliseconds, as the ledger holds times. Raises redis.RedisError when Redis is unreachable."""
    return keyspace.milliseconds(redis.time())


def beat_ages_s(beats: Sequence[tuple[bytes, float]], now: datetime) -> tuple[float, ...]:
    """Seconds since the last tick of each beat, latest first.

    Ticks in the future are left out: Redis' clock has been set back since, and a running beat ticks again in seconds.
    """
    ages = sorted(now.timestamp() - ms / 1000 for _, ms in beats)
    return tuple(age_s for age_s in ages if age_s > -DELAY_S)


def _sent(entries: Mapping[bytes, bytes], now: datetime) -> dict[str, Sent]:
    by_task = {}
    for task, entry in entries.items():
        ms, _, period_s = entry.decode().partition(" ")
        by_task[task.decode()] = Sent(now.timestamp() - int(ms) / 1000, float(period_s))
    return by_task

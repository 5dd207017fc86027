"""Lived: no clock has gone further than its machine has lived, however well it agrees with all others.

On one machine Redis, the database and the worker go by one clock: set ahead, it agrees with itself. What nobody sets is
the time since the machine was started. It outlives our processes and not the machine's own end, so what is remembered
(in Redis, without an expiry, which would be by a clock) is compared on the same boot alone.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from redis import Redis

from ledger import keyspace
from runtime.trusted_time import AGREEMENT, span

STANDS = timedelta(days=1)
"""A leap that has stood for longer corrected a wrong clock; a clock that is ahead is noticed sooner."""
BOOTS = 64
"""So many machines' boots are remembered, the latest ones."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ClockLeapt(Exception):  # noqa: N818 - a fact about the machine, and no fault of the caller
    """All clocks are further ahead than the machine has lived since they were last trusted; the text says how far."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the clocks said, and how long the machine had lived then."""

    at: datetime
    lived: timedelta

    def ahead_of(self, earlier: "Moment") -> timedelta:
        """By how much more the clocks have gone since then than the machine has lived."""
        return (self.at - earlier.at) - (self.lived - earlier.lived)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one boot."""

    trusted: Moment
    leapt: Moment | None = None
    """When clocks that have gone too far were first seen to have."""


def boot() -> tuple[str, timedelta] | None:
    """Which boot of a machine this is, and how long it has lasted; None where the system does not tell."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    try:
        name = _BOOT_ID.read_text().strip()
    except OSError:
        return None
    return name, timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


def remembered(memory: Memory | None, now: Moment) -> Memory:
    """What is to be remembered now. The clocks are to be trusted unless `leapt` is set in it."""
    if memory is None or now.lived < memory.trusted.lived or now.ahead_of(memory.trusted) <= AGREEMENT:
        return Memory(now)
    if memory.leapt is None or abs(now.ahead_of(memory.leapt)) > AGREEMENT:  # it leapt just now, or once more
        return Memory(memory.trusted, now)
    return Memory(now) if now.lived - memory.leapt.lived > STANDS else memory


class Leaps:
    """Tells whether the clocks have leapt since they were last trusted on this boot."""

    def __init__(self, redis: Redis, boot: Callable[[], tuple[str, timedelta] | None] = boot) -> None:
        self._redis, self._boot = redis, boot

    def check(self, at: datetime) -> None:
        """Remember the time that the clocks agree on. Raises ClockLeapt where it cannot be, and redis.RedisError."""
        told = self._boot()
        if told is None:
            return
        name, lived = told
        entries = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.RETENTION_LIVED))
        memories = {key.decode(): _memory(entry.decode()) for key, entry in entries.items()}
        now = Moment(at, lived)
        memory = remembered(memories.pop(name, None), now)
        self._keep(name, memory, memories)
        if memory.leapt:
            ahead = span(now.ahead_of(memory.trusted))
            raise ClockLeapt(
                f"all clocks are {ahead} further ahead than this machine has lived since the last pass;"
                f" believed once that has stood for {span(STANDS)}"
            )

    def _keep(self, name: str, memory: Memory, others: Mapping[str, Memory]) -> None:
        latest = sorted(others, key=lambda one: others[one].trusted.at, reverse=True)
        pipeline = self._redis.pipeline(transaction=True)
        if too_many := latest[BOOTS - 1 :]:
            pipeline.hdel(keyspace.RETENTION_LIVED, *too_many)
        pipeline.hset(keyspace.RETENTION_LIVED, name, _entry(memory))
        pipeline.execute()


def _entry(memory: Memory) -> str:
    moments = filter(None, (memory.trusted, memory.leapt))
    return " ".join(f"{(one.at - _EPOCH) // _MILLISECOND} {one.lived // _MILLISECOND}" for one in moments)


def _memory(entry: str) -> Memory:
    numbers = [int(one) * _MILLISECOND for one in entry.split()]
    moments = [Moment(_EPOCH + at, lived) for at, lived in zip(numbers[::2], numbers[1::2], strict=True)]
    return Memory(*moments)

"""Uptime check: the clocks may not advance further than the uptime of their machine, even when they all agree.

On one machine Redis, the database and the worker share one clock, so a clock set ahead agrees with itself. The time
since boot cannot be set. It survives our processes but not a reboot, so an earlier reading is compared only with later
ones of the same boot. Redis keeps the readings without an expiry, which would itself depend on a clock.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from redis import Redis

from ledger import keyspace
from runtime.durations import duration
from runtime.trusted_time import AGREEMENT

BELIEVED_AFTER = timedelta(days=1)
"""A leap that lasts longer is taken for the correction of a wrong clock; a clock set ahead is noticed sooner."""
MOST_BOOTS = 64
"""How many boots of machines are kept, the latest ones."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ClockJumped(Exception):  # noqa: N818 - a fact about the machine, and no fault of the caller
    """Since they were last trusted, all clocks have advanced further than the uptime; the text says how much."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A time by the clocks, and the machine's uptime at that time."""

    at: datetime
    uptime: timedelta

    def ahead_of(self, earlier: "ClockReading") -> timedelta:
        """How much further the clocks have advanced since then than the uptime."""
        return (self.at - earlier.at) - (self.uptime - earlier.uptime)


@dataclass(frozen=True, slots=True)
class Memory:
    """The readings kept of one boot."""

    trusted: ClockReading
    leapt: ClockReading | None = None
    """When the present leap of the clocks was first seen; None while they are trusted."""


def boot() -> tuple[str, timedelta] | None:
    """The id of this machine's present boot, and its uptime; None where the system provides neither."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    try:
        boot_id = _BOOT_ID.read_text().strip()
    except OSError:
        return None
    return boot_id, timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


def updated(memory: Memory | None, now: ClockReading) -> Memory:
    """The memory after this reading. The clocks can be trusted unless its `leapt` is set."""
    if memory is None or now.uptime < memory.trusted.uptime or now.ahead_of(memory.trusted) <= AGREEMENT:
        return Memory(now)
    if memory.leapt is None or abs(now.ahead_of(memory.leapt)) > AGREEMENT:  # a first leap, or another one
        return Memory(memory.trusted, now)
    return Memory(now) if now.uptime - memory.leapt.uptime > BELIEVED_AFTER else memory


class ClockJumps:
    """Detects whether the clocks have jumped since they were last trusted on this boot."""

    def __init__(self, redis: Redis, boot: Callable[[], tuple[str, timedelta] | None] = boot) -> None:
        self._redis, self._boot = redis, boot

    def check(self, at: datetime) -> None:
        """Store the time that the clocks agree on. Raises ClockJumped when it cannot be right, and redis.RedisError."""
        present = self._boot()
        if present is None:
            return
        boot_id, uptime = present
        entries = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.RETENTION_LIVED))
        memories = {key.decode(): _memory(entry.decode()) for key, entry in entries.items()}
        now = ClockReading(at, uptime)
        memory = updated(memories.pop(boot_id, None), now)
        self._save(boot_id, memory, memories)
        if memory.leapt:
            ahead = duration(now.ahead_of(memory.trusted))
            raise ClockJumped(
                f"all clocks have advanced {ahead} more than this machine's uptime since the last pass;"
                f" believed once that has lasted {duration(BELIEVED_AFTER)}"
            )

    def _save(self, boot_id: str, memory: Memory, others: Mapping[str, Memory]) -> None:
        latest_first = sorted(others, key=lambda other: others[other].trusted.at, reverse=True)
        pipeline = self._redis.pipeline(transaction=True)
        if surplus := latest_first[MOST_BOOTS - 1 :]:
            pipeline.hdel(keyspace.RETENTION_LIVED, *surplus)
        pipeline.hset(keyspace.RETENTION_LIVED, boot_id, _entry(memory))
        pipeline.execute()


def _entry(memory: Memory) -> str:
    moments = filter(None, (memory.trusted, memory.leapt))
    return " ".join(f"{(moment.at - _EPOCH) // _MILLISECOND} {moment.uptime // _MILLISECOND}" for moment in moments)


def _memory(entry: str) -> Memory:
    spans = [int(number) * _MILLISECOND for number in entry.split()]
    moments = [ClockReading(_EPOCH + at, uptime) for at, uptime in zip(spans[::2], spans[1::2], strict=True)]
    return Memory(*moments)

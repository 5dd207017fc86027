"""Glancing: how the ledger stands, in two round trips: what waits, what came last, whether beat ticks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from redis.exceptions import NoPermissionError

from ledger import keyspace
from ledger.announcing import CLOCK
from ledger.settling import Figures, Ledger

UNACKED = "unacked"
"""The broker's key of messages that a worker has taken and not acknowledged."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How the ledger stands, by Redis' own clock."""

    figures: Figures
    last_at: Mapping[str, datetime]
    """By queue, when the last delivery was accepted."""
    beat_ages_s: tuple[float, ...]
    """Seconds since the last tick of each beat that has neither ended nor been silent for an hour, youngest first."""
    clock_announcements: int
    unacked: int
    used: int | None
    """Bytes; None where it does not let us ask."""
    maxmemory: int
    """Bytes; 0 where Redis has no limit of its own."""
    retained_at: datetime | None
    """When the last pass of retention ended."""


def glance(ledger: Ledger, queues: Sequence[str]) -> Glance:
    """Read it. Raises redis.RedisError when the ledger is away."""
    figures = ledger.figures(queues)
    pipeline = ledger.redis.pipeline(transaction=False)
    pipeline.hgetall(keyspace.LAST)
    pipeline.zrange(keyspace.BEATS, 0, -1, withscores=True)
    pipeline.llen(CLOCK)
    pipeline.hlen(UNACKED)
    pipeline.hget(keyspace.RETENTION, "at_ms")
    last, beats, clock, unacked, retained_ms = pipeline.execute()
    memory = _memory(ledger)
    return Glance(
        figures=figures,
        last_at={queue.decode(): _at(int(ms)) for queue, ms in last.items()},
        beat_ages_s=beat_ages_s(beats, figures.now),
        clock_announcements=clock,
        unacked=unacked,
        used=int(memory["used_memory"]) if "used_memory" in memory else None,
        maxmemory=int(memory.get("maxmemory", 0)),
        retained_at=_at(int(retained_ms)) if retained_ms else None,
    )


def _memory(ledger: Ledger) -> Mapping[str, Any]:
    """What INFO says of it; nothing where that is denied, as on managed servers."""
    try:
        return ledger.redis.info("memory")
    except NoPermissionError:
        return {}


def beats(ledger: Ledger) -> tuple[float, ...]:
    """Seconds since the last tick of each beat, youngest first. Raises redis.RedisError when the ledger is away."""
    ticks: Any = ledger.redis.zrange(keyspace.BEATS, 0, -1, withscores=True)
    return beat_ages_s(ticks, clock(ledger))


def tokens(ledger: Ledger) -> dict[str, datetime]:
    """When each hook token last brought a delivery, by its fingerprint. Raises redis.RedisError."""
    found = cast("dict[bytes, bytes]", ledger.redis.hgetall(keyspace.TOKENS))
    return {mark.decode(): _at(int(ms)) for mark, ms in found.items()}


def clock(ledger: Ledger) -> datetime:
    """The time by Redis' own clock. Raises redis.RedisError when the ledger is away."""
    seconds, micros = ledger.redis.time()
    return datetime.fromtimestamp(seconds + micros / 1_000_000, UTC)


def beat_ages_s(beats: Sequence[tuple[bytes, float]], now: datetime) -> tuple[float, ...]:
    """Seconds since the last tick of each, youngest first."""
    return tuple(sorted(now.timestamp() - ms / 1000 for _, ms in beats))


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

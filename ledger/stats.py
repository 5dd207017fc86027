"""Statistics of the ledger, in two round trips: pending batches, last deliveries, beats and their tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import NoPermissionError

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Figures, Ledger
from ledger.clock import as_time
from ledger.schedules import Sent, beat_ages_s, sent_tasks

UNACKED = "unacked"
"""The broker's key of messages that workers have taken and not acknowledged."""


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
        last_at={queue.decode(): as_time(int(ms)) for queue, ms in last.items()},
        beat_ages_s=beat_ages_s(beats, figures.now),
        sent=sent_tasks(entries, figures.now),
        clock_announcements=clock,
        unacked=unacked,
        used=int(memory["used_memory"]) if "used_memory" in memory else None,
        maxmemory=int(memory.get("maxmemory", 0)),
        retained_at=as_time(int(retained_ms)) if retained_ms else None,
        retention_refused=refused.decode() if refused else None,
    )


def _memory(ledger: Ledger) -> Mapping[str, Any]:
    """The memory section of INFO; empty where a managed server denies it."""
    try:
        return ledger.redis.info("memory")
    except NoPermissionError:
        return {}

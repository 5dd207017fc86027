"""Remembering: what reconciling needs to know of its earlier runs, in Redis, beside the ledger."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from redis import Redis
from redis.lock import Lock

from ledger import keyspace
from ledger.locks import lock

LOCK_S = 180  # longer than any run: its calls are few and bounded


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last run that could read the hooks left behind; times in milliseconds by Redis' own clock."""

    read_ms: int | None = None
    drift: int = 0
    count: int = 0
    """Hooks that were listed."""
    empty_reads: int = 0
    """Successive reads that listed none."""
    findings: frozenset[str] = frozenset()
    first_seen_ms: tuple[tuple[str, int], ...] = ()
    """When each hook that is as desired was first seen so, by its id."""
    headers: tuple[tuple[str, str], ...] = ()
    """What each hook of ours was made with, by its id: a fingerprint, for the gateway may not list them."""


class Memories:
    """Where a run finds the memory of the one before. Every call raises redis.RedisError when Redis is away."""

    def __init__(self, redis: Redis, account: str = "") -> None:
        """`account` tells gateways and accounts apart: what one listed says nothing about another."""
        self._redis = redis
        self._key = f"{keyspace.HOOKS}:{keyspace.fingerprint(account)}"

    def lock(self) -> Lock:
        """At most one run at a time: acquire without blocking; whoever does not get it leaves the run to the other."""
        return lock(self._redis, keyspace.HOOKS_LOCK, LOCK_S)

    def now_ms(self) -> int:
        """The time by Redis' own clock."""
        seconds, micros = self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def last_use_ms(self, token: str) -> int | None:
        """When a hook token last brought a delivery."""
        told = self._redis.hget(keyspace.TOKENS, keyspace.fingerprint(token))
        return None if told is None else int(told)

    def recall(self) -> Memory:
        """The memory of the last run; an empty one where there was none, or none that can be read."""
        try:
            told = json.loads(self._redis.get(self._key) or b"{}")
            return Memory(
                read_ms=told.get("read_ms"),
                drift=int(told.get("drift", 0)),
                count=int(told.get("count", 0)),
                empty_reads=int(told.get("empty_reads", 0)),
                findings=frozenset(told.get("findings", ())),
                first_seen_ms=tuple((str(name), int(at)) for name, at in told.get("first_seen_ms", ())),
                headers=tuple((str(name), str(mark)) for name, mark in told.get("headers", ())),
            )
        except (ValueError, TypeError, AttributeError):
            return Memory()

    def remember(self, memory: Memory) -> None:
        """Leave a memory for the next run."""
        told = {
            "read_ms": memory.read_ms,
            "drift": memory.drift,
            "count": memory.count,
            "empty_reads": memory.empty_reads,
            "findings": sorted(memory.findings),
            "first_seen_ms": memory.first_seen_ms,
            "headers": memory.headers,
        }
        self._redis.set(self._key, json.dumps(told))


def still_seen(memory: Memory, ids: Iterable[str], now_ms: int) -> tuple[tuple[str, int], ...]:
    """When each of these hooks was first seen; now, for those that are new."""
    known = dict(memory.first_seen_ms)
    return tuple((name, known.get(name, now_ms)) for name in ids)

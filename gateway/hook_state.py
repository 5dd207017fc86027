"""Remembering: what reconciling needs to know of its earlier runs, in Redis, beside the ledger."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from redis import Redis
from redis.lock import Lock

from gateway.hook_evidence import Evidence
from ledger import keyspace
from ledger.claims import lock
from ledger.receivers import living

DAY_MS = 86_400_000
LOCK_S = 180  # longer than any run: its calls are few and bounded


@dataclass(frozen=True, slots=True)
class CreatedHook:
    """A hook that we created."""

    id: str
    mark: str
    """A fingerprint of the desired hook that it was made for."""
    at_ms: int
    listed: bool = False
    """Whether it has ever been listed as it was made."""


@dataclass(frozen=True, slots=True)
class HookState:
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
    made: tuple[CreatedHook, ...] = ()
    """Hooks that we created and that have not been removed since, as far as is known."""
    holds: tuple[tuple[str, str], ...] = ()
    """Why not all was done in the last run: code and text of each (`gateway/hook_evidence.py`)."""


class HookStates:
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

    def evidence(self) -> Evidence:
        """What deliveries and receivers say of our addresses, now."""
        uses = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.TOKENS))
        return Evidence(
            now_ms=self.now_ms(),
            uses={field.decode(): int(at) for field, at in uses.items()},
            receivers=living(self._redis),
            own_ms=int(time.time() * 1000),
        )

    def recall(self) -> HookState:
        """The memory of the last run; an empty one where there was none, or none that can be read."""
        try:
            told = json.loads(self._redis.get(self._key) or b"{}")
            return HookState(
                read_ms=told.get("read_ms"),
                drift=int(told.get("drift", 0)),
                count=int(told.get("count", 0)),
                empty_reads=int(told.get("empty_reads", 0)),
                findings=frozenset(told.get("findings", ())),
                first_seen_ms=tuple((str(name), int(at)) for name, at in told.get("first_seen_ms", ())),
                headers=tuple((str(name), str(mark)) for name, mark in told.get("headers", ())),
                made=tuple(
                    CreatedHook(str(name), str(mark), int(at), bool(listed))
                    for name, mark, at, listed in told.get("made", ())
                ),
                holds=tuple((str(code), str(text)) for code, text in told.get("holds", ())),
            )
        except (ValueError, TypeError, AttributeError):
            return HookState()

    def remember(self, memory: HookState) -> None:
        """Leave a memory for the next run."""
        told = {
            "read_ms": memory.read_ms,
            "drift": memory.drift,
            "count": memory.count,
            "empty_reads": memory.empty_reads,
            "findings": sorted(memory.findings),
            "first_seen_ms": memory.first_seen_ms,
            "headers": memory.headers,
            "made": [(made.id, made.mark, made.at_ms, made.listed) for made in memory.made],
            "holds": memory.holds,
        }
        self._redis.set(self._key, json.dumps(told))


def still_seen(memory: HookState, ids: Iterable[str], now_ms: int) -> tuple[tuple[str, int], ...]:
    """When each of these hooks was first seen; now, for those that are new, or that a clock put into the future."""
    known = dict(memory.first_seen_ms)
    return tuple((name, min(known.get(name, now_ms), now_ms)) for name in ids)

"""Probing: can a batch be accepted durably right now? Asked in the background, answered from memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ledger import keyspace
from ledger.scripts import PROBE
from seven.events import QUEUES

FULL_AT = 0.75
"""The part of its memory beyond which nothing is accepted: a full Redis can neither settle nor announce."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the ledger's server is, as it says itself; sizes in bytes."""

    used: int
    limit: int
    hindrances: tuple[str, ...]
    """Why a batch could not be accepted durably, in words for people; empty when it could."""
    announcements: Mapping[str, int]
    """By queue, those that nobody has taken from the broker yet."""

    @property
    def room(self) -> int:
        """Bytes left below the bar; negative when it is passed."""
        return int(self.limit * FULL_AT) - self.used


async def probe(redis: Redis, ledger_limit: int) -> Condition:
    """Ask the server. `ledger_limit` bounds the ledger where Redis has no limit of its own, or a higher one.

    Raises redis.RedisError or OSError when it does not answer.
    """
    told: dict[str, Any] = await redis.info("server", "memory", "persistence", "replication")
    try:
        await redis.eval(PROBE.text, 1, keyspace.LEDGER)
        refusal = None
    except ResponseError as error:
        refusal = refusal_word(error)
    pipeline = redis.pipeline(transaction=False)
    for queue in QUEUES:
        pipeline.llen(queue)
    lengths = await pipeline.execute(raise_on_error=False)
    announcements = {queue: length for queue, length in zip(QUEUES, lengths, strict=True) if isinstance(length, int)}
    limit = min(told["maxmemory"] or ledger_limit, ledger_limit)
    hindrances = (
        (f"it takes no writes ({refusal})", refusal is not None),
        ("it is loading its data", bool(told.get("loading"))),
        ("it is a replica", told.get("role") != "master"),
        ("it keeps no append-only file (appendonly no)", not told.get("aof_enabled")),
        ("its last write to the append-only file failed", told.get("aof_last_write_status", "ok") != "ok"),
    )
    return Condition(told["used_memory"], limit, tuple(word for word, holds in hindrances if holds), announcements)


def refusal_word(error: ResponseError) -> str:
    """The kind of an error that Redis answered, or its own first word: its whole text may quote a command."""
    return str(error).split(" ", 1)[0] if type(error) is ResponseError else type(error).__name__

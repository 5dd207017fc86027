"""Probing: can a batch be accepted durably right now? Asked in the background, answered from memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError, ResponseError

from ledger import keyspace
from ledger.scripts import PROBE
from runtime.redis_url import reason
from seven.events import QUEUES

FULL_AT = 0.75
"""The part of its memory beyond which nothing is accepted: a full Redis can neither settle nor announce."""


UNKNOWN_ROOM = 2**62

_COMMAND = re.compile(r"'([\w|]+)' (?:command|subcommand)")


@dataclass(frozen=True, slots=True)
class Condition:
    """How the ledger's server is, as it says itself; sizes in bytes."""

    used: int | None
    """None where it does not let us ask; then nothing bounds the ledger but the server itself."""
    limit: int
    hindrances: tuple[str, ...]
    """Why a batch could not be accepted durably, in words for people; empty when it could."""
    announcements: Mapping[str, int]
    """By queue, those that nobody has taken from the broker yet."""
    is_primary: bool = True
    """Whether what it takes is kept: a replica loses it at the next synchronisation, also one that takes writes."""
    missing_rights: tuple[str, ...] = ()
    """What it does not let us ask, each with the right that is missing. It accepts all the same."""

    @property
    def room(self) -> int:
        """Bytes left below the bar; negative when it is passed. A replica has none."""
        if not self.is_primary:
            return 0
        return UNKNOWN_ROOM if self.used is None else int(self.limit * FULL_AT) - self.used


async def probe(redis: Redis, ledger_limit: int) -> Condition:
    """Ask the server. `ledger_limit` bounds the ledger where Redis has no limit of its own, or a higher one.

    Raises redis.RedisError or OSError when it does not answer.
    """
    told, missing = await _figures(redis)
    try:
        await redis.eval(PROBE.text, 1, keyspace.LEDGER)
        refusal = None
    except ResponseError as error:
        refusal = missing_right(error) if isinstance(error, NoPermissionError) else refusal_word(error)
    pipeline = redis.pipeline(transaction=False)
    for queue in QUEUES:
        pipeline.llen(queue)
    lengths = await pipeline.execute(raise_on_error=False)
    announcements = {queue: length for queue, length in zip(QUEUES, lengths, strict=True) if isinstance(length, int)}
    is_primary = told.get("role", "master") == "master"
    limit = min(told.get("maxmemory") or ledger_limit, ledger_limit)
    hindrances = (
        (f"it takes no writes ({refusal})", refusal is not None),
        ("it is loading its data", bool(told.get("loading"))),
        ("it is a replica", not is_primary),
        ("it keeps no append-only file (appendonly no)", not told.get("aof_enabled", True)),
        ("its last write to the append-only file failed", told.get("aof_last_write_status", "ok") != "ok"),
    )
    holding = tuple(word for word, holds in hindrances if holds)
    return Condition(told.get("used_memory"), limit, holding, announcements, is_primary, missing)


async def _figures(redis: Redis) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What INFO says; where that is denied, as on managed servers, at least how much memory is in use."""
    try:
        told: dict[str, Any] = await redis.info("server", "memory", "persistence", "replication")
    except NoPermissionError as error:
        told, missing = {}, [f"whether it keeps an append-only file is not known: it {missing_right(error)}"]
    else:
        missing = []
    if "used_memory" not in told:
        try:
            told["used_memory"] = int((await redis.memory_stats())["total.allocated"])
        except (ResponseError, KeyError) as error:
            needs = missing_right(error) if isinstance(error, NoPermissionError) else "does not say"
            missing.append(f"how full it is is not known, and no bound holds: it {needs}")
    return told, tuple(missing)


def unusable(redis: BlockingRedis, channel: str | None = None) -> list[str]:
    """Why a worker or beat cannot use the ledger now, found out by a write; and a channel, by listening to it.

    A full Redis refuses the write and is of use all the same: what is settled makes room.
    """
    try:
        redis.eval(PROBE.text, 1, keyspace.LEDGER)
        if channel is not None:
            with redis.pubsub() as listening:  # type: ignore[no-untyped-call] # of the library's
                listening.psubscribe(channel)  # as Celery does: rights to patterns are others
                listening.get_message(timeout=1.0)
        if _role(redis) != "master":
            redis.connection_pool.disconnect()  # the next connection may lead to the primary
            return ["the ledger is a replica"]
    except OutOfMemoryError:
        return []
    except NoPermissionError as error:
        return [f"the ledger {missing_right(error)}"]
    except ResponseError as error:
        return [f"the ledger takes no writes ({refusal_word(error)})"]
    except (RedisError, OSError) as error:
        return [f"the ledger does not answer ({reason(error)})"]
    return []


def _role(redis: BlockingRedis) -> str:
    """What a server says that it is; of one that does not let us ask, READONLY has to be enough."""
    try:
        told: Any = redis.info("replication")
    except NoPermissionError:
        return "master"
    return str(told.get("role", "master"))


def missing_right(error: NoPermissionError) -> str:
    """Which right a refusal asks for, in the words of an access control list."""
    said = str(error)
    if command := _COMMAND.search(said):
        return f"needs +{command[1]}"
    if "channel" in said:
        return "needs the channels of Celery's remote control (&*)"
    return "needs the keys of ledger and broker (~*)"


def refusal_word(error: ResponseError) -> str:
    """The kind of an error that Redis answered, or its own first word: its whole text may quote a command."""
    return str(error).split(" ", 1)[0] if type(error) is ResponseError else type(error).__name__

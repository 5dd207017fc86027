"""Health: whether Redis can accept a batch durably now, found by a write and by INFO."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError, ResponseError

from ledger import keyspace
from ledger.primary import leave_server
from ledger.scripts import PROBE
from runtime.redis_errors import missing_right, redis_reason
from seven.events import QUEUES

FULL_AT = 0.75
"""The share of its memory beyond which nothing is accepted: a full Redis can neither settle nor announce."""
UNKNOWN_ROOM = 2**62
_A_PRIORITY = "\x06\x163"
"""As kombu appends it to the name of a queue."""


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Health of the ledger's server, as it reports it; sizes in bytes."""

    used: int | None
    """None where the server denies it; then only the server itself bounds the ledger."""
    limit: int
    reasons: tuple[str, ...]
    """Why a batch cannot be accepted durably, for people; empty when it can."""
    announcements: Mapping[str, int]
    """By queue, those that no worker has taken from the broker yet."""
    is_primary: bool = True
    """Whether writes are kept: a replica, even a writable one, loses them at the next synchronisation."""
    missing_rights: tuple[str, ...] = ()
    """What the server denies to report, each with the missing right. It accepts batches all the same."""

    @property
    def room(self) -> int:
        """Bytes left below `FULL_AT`; negative beyond it. A replica has none."""
        if not self.is_primary:
            return 0
        return UNKNOWN_ROOM if self.used is None else int(self.limit * FULL_AT) - self.used


def effective_limit(maxmemory: int | None, ledger_limit: int) -> int:
    """Bytes that Redis may use: the lower of its own limit, if it has one (neither None nor 0), and ours."""
    return min(maxmemory or ledger_limit, ledger_limit)


async def probe(redis: Redis, ledger_limit: int, replicas: int = 0) -> LedgerHealth:
    """Probe the server. `ledger_limit` bounds the ledger where Redis has no limit of its own, or a higher one.

    `replicas`: how many have to confirm a batch.

    Raises redis.RedisError or OSError when it does not answer.
    """
    info, missing = await _info(redis)
    try:
        await redis.eval(PROBE.text, 1, keyspace.LEDGER)
        refusal = None
    except ResponseError as error:
        refusal = missing_right(error) if isinstance(error, NoPermissionError) else redis_reason(error)
    pipeline = redis.pipeline(transaction=False)
    for queue in QUEUES:
        pipeline.llen(queue)
    lengths = await pipeline.execute(raise_on_error=False)
    announcements = {queue: length for queue, length in zip(QUEUES, lengths, strict=True) if isinstance(length, int)}
    is_primary = info.get("role", "master") == "master"
    limit = effective_limit(info.get("maxmemory"), ledger_limit)
    connected = info.get("connected_slaves", replicas)  # unknown where INFO is denied
    faults = (
        (f"{connected} replicas are connected, and {replicas} have to confirm", connected < replicas),
        (f"it takes no writes ({refusal})", refusal is not None),
        ("it is loading its data", bool(info.get("loading"))),
        ("it is a replica", not is_primary),
        ("it keeps no append-only file (appendonly no)", not info.get("aof_enabled", True)),
        ("its last write to the append-only file failed", info.get("aof_last_write_status", "ok") != "ok"),
    )
    reasons = tuple(fault for fault, applies in faults if applies)
    return LedgerHealth(info.get("used_memory"), limit, reasons, announcements, is_primary, missing)


async def _info(redis: Redis) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Answer of INFO, or where a managed server denies it at least the memory in use; and the missing rights."""
    try:
        info: dict[str, Any] = await redis.info("server", "memory", "persistence", "replication")
    except NoPermissionError as error:
        info, missing = {}, [f"unknown whether it keeps an append-only file: it {missing_right(error)}"]
    else:
        missing = []
    if "used_memory" not in info:
        try:
            info["used_memory"] = int((await redis.memory_stats())["total.allocated"])
        except (ResponseError, KeyError) as error:
            why = missing_right(error) if isinstance(error, NoPermissionError) else "does not report it"
            missing.append(f"unknown how full it is, so the ledger has no limit: it {why}")
    return info, tuple(missing)


def unusable_reasons(redis: BlockingRedis, channel: str | None = None, queues: Collection[str] = ()) -> list[str]:
    """Why a process cannot use the ledger now: found by a write, by subscribing to `channel`, by trying `queues`.

    A full Redis refuses the write and is usable all the same: settling frees memory.
    """
    try:
        redis.eval(PROBE.text, 1, keyspace.LEDGER)
        if channel is not None:
            with redis.pubsub() as subscription:  # type: ignore[no-untyped-call] # redis-py's
                subscription.psubscribe(channel)  # as Celery does: rights to patterns are separate
                subscription.get_message(timeout=1.0)
        if _role(redis) != "master":
            leave_server(redis)  # the next connection may lead to the primary
            return ["the ledger is a replica"]
        refused = refused_queues(redis, queues)
    except OutOfMemoryError:
        return []
    except NoPermissionError as error:
        return [f"the ledger {missing_right(error)}"]
    except ResponseError as error:
        return [f"the ledger takes no writes ({redis_reason(error)})"]
    except (RedisError, OSError) as error:
        return [f"the ledger does not answer ({redis_reason(error)})"]
    return [f"the ledger {needed_for(refused)}"] if refused else []


def refused_queues(redis: BlockingRedis, queues: Collection[str]) -> tuple[str, ...]:
    """Those of Celery's queues that this user of Redis may not consume. Raises redis.RedisError.

    It is tried with the keys that kombu waits for beside the queues, for a priority that no message of ours has, and in
    transactions, where BRPOP does not wait.
    """

    def may_consume(*names: str) -> bool:
        try:
            with redis.pipeline(transaction=True) as pipeline:
                pipeline.brpop([f"{name}{_A_PRIORITY}" for name in names], timeout=1)
                pipeline.execute()
        except NoPermissionError:
            return False
        return True

    return () if not queues or may_consume(*queues) else tuple(queue for queue in queues if not may_consume(queue))


def needed_for(queues: Collection[str]) -> str:
    """The missing right to consume queues, as rules of an access control list."""
    return f"needs +brpop for {' '.join(f'~{queue}*' for queue in queues)}"


def _role(redis: BlockingRedis) -> str:
    """The server's role; where INFO is denied, a replica shows by READONLY alone."""
    try:
        info: Any = redis.info("replication")
    except NoPermissionError:
        return "master"
    return str(info.get("role", "master"))

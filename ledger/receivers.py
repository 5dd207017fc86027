"""Living receivers: each publishes which hook tokens it accepts, in an entry that expires unless it is renewed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ledger import keyspace

ENTRY_S = 60
"""An entry lives so long; a receiver that was killed is missed after that."""
RENEWAL_S = 20.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver that lives, or was killed less than a minute ago."""

    id: str
    tokens: frozenset[str]
    """Fingerprints of the tokens that it accepts; empty where its version does not publish them."""

    @classmethod
    def parse(cls, receiver_id: str, entry: bytes) -> "Receiver":
        """Read an entry; what cannot be read publishes no token. Never raises."""
        try:
            published: Any = json.loads(entry)["tokens"]
            return cls(receiver_id, frozenset(map(str, published)))
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls(receiver_id, frozenset())

    def accepts(self, token: str) -> bool:
        """Whether it accepts this token."""
        return keyspace.fingerprint(token) in self.tokens


async def publish(redis: AsyncRedis, receiver_id: str, tokens: Iterable[str]) -> None:
    """Say for the next minute that a receiver lives and accepts tokens of these fingerprints. Raises RedisError."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.set(keyspace.receiver(receiver_id), json.dumps({"tokens": sorted(tokens)}), ex=ENTRY_S)
    pipeline.sadd(keyspace.RECEIVERS, receiver_id)
    await pipeline.execute()


async def withdraw(redis: AsyncRedis, receiver_id: str) -> None:
    """Say that a receiver ends. Raises RedisError."""
    await redis.delete(keyspace.receiver(receiver_id))


def living(redis: Redis) -> list[Receiver]:
    """Every receiver that lives. Entries that have expired are forgotten. Raises RedisError."""
    ids = sorted(member.decode() for member in cast("set[bytes]", redis.smembers(keyspace.RECEIVERS)))
    if not ids:
        return []
    entries = cast("list[bytes | None]", redis.mget([keyspace.receiver(name) for name in ids]))
    gone = [name for name, entry in zip(ids, entries, strict=True) if entry is None]
    if gone:  # one that only could not renew its entry comes back with the next
        redis.srem(keyspace.RECEIVERS, *gone)
    return [Receiver.parse(name, entry) for name, entry in zip(ids, entries, strict=True) if entry is not None]

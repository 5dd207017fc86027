"""Living receivers: each publishes which hooks it accepts, in an entry that expires unless it is renewed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ledger import keyspace
from seven.hooks import canonical

ENTRY_S = 60
"""An entry lives so long; a receiver that was killed is missed after that."""
RENEWAL_S = 20.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver that lives, or was killed less than a minute ago."""

    id: str
    tokens: frozenset[str]
    """Fingerprints of the tokens that it accepts; empty where its version does not publish them."""
    urls: frozenset[str] = frozenset()
    """Fingerprints of the public URLs that it knows; empty where none is set for it."""

    @classmethod
    def parse(cls, receiver_id: str, entry: bytes) -> "Receiver":
        """Read an entry; what cannot be read publishes no token. Never raises."""
        try:
            published: Any = json.loads(entry)
            tokens, urls = published["tokens"], published.get("urls", ())
            return cls(receiver_id, frozenset(map(str, tokens)), frozenset(map(str, urls)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls(receiver_id, frozenset())

    def accepts(self, token: str) -> bool:
        """Whether it accepts this token."""
        return keyspace.fingerprint(token) in self.tokens

    def serves(self, url: str) -> bool:
        """Whether it serves this public URL: its path, and what is signed for it. Where it knows none, any."""
        return not self.urls or mark_of(url) in self.urls


def mark_of(url: str) -> str:
    """The fingerprint of a public URL, however its host is spelled."""
    return keyspace.fingerprint(canonical(url))


async def publish(redis: AsyncRedis, receiver_id: str, tokens: Iterable[str], urls: Iterable[str] = ()) -> None:
    """Say for the next minute that a receiver lives, and which tokens and URLs it accepts, by their fingerprints.

    Raises RedisError.
    """
    entry = json.dumps({"tokens": sorted(tokens), "urls": sorted(urls)})
    pipeline = redis.pipeline(transaction=True)
    pipeline.set(keyspace.receiver(receiver_id), entry, ex=ENTRY_S)
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
    pipeline = redis.pipeline(transaction=False)
    for name in ids:
        pipeline.get(keyspace.receiver(name))
        pipeline.pttl(keyspace.receiver(name))
    answers = pipeline.execute()
    entries = cast("list[bytes | None]", answers[::2])
    for name, left_ms in zip(ids, answers[1::2], strict=True):
        if left_ms > ENTRY_S * 1000:  # it was written while Redis' clock was ahead, and would outlive its receiver
            redis.pexpire(keyspace.receiver(name), ENTRY_S * 1000)
    gone = [name for name, entry in zip(ids, entries, strict=True) if entry is None]
    if gone:  # one that only could not renew its entry comes back with the next
        redis.srem(keyspace.RECEIVERS, *gone)
    return [Receiver.parse(name, entry) for name, entry in zip(ids, entries, strict=True) if entry is not None]

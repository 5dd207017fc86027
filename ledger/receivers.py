"""Receivers: each running one publishes which hooks it accepts, in an entry that expires unless it is renewed."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ledger import keyspace
from seven.hook_urls import canonical

ENTRY_S = 60
"""Lifetime of an entry; a killed receiver is noticed after that."""
RENEWAL_S = 20.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver that runs, or was killed less than a minute ago."""

    id: str
    tokens: frozenset[str]
    """Fingerprints of the tokens that it accepts; empty where its version does not publish them."""
    urls: frozenset[str] = frozenset()
    """Fingerprints of the public URLs that it knows; empty where none is set for it."""
    secrets: frozenset[str] | None = frozenset()
    """Fingerprints of the hook secrets that it demands one of; None where it refuses nothing for want of one."""

    @classmethod
    def new(cls, tokens: Iterable[str], urls: Iterable[str], secrets: Iterable[str] | None) -> Self:
        """One that starts now, by what it accepts, of which only fingerprints are kept."""
        return cls(
            uuid.uuid4().hex,
            frozenset(map(keyspace.fingerprint, tokens)),
            frozenset(map(url_fingerprint, urls)),
            None if secrets is None else frozenset(map(keyspace.fingerprint, secrets)),
        )

    @classmethod
    def parse(cls, receiver_id: str, entry: bytes) -> Self:
        """Parse an entry; an unreadable one publishes no token. Never raises."""
        try:
            published: Any = json.loads(entry)
            tokens, urls, secrets = published["tokens"], published.get("urls", ()), published.get("secrets", ())
            return cls(
                receiver_id,
                frozenset(map(str, tokens)),
                frozenset(map(str, urls)),
                None if secrets is None else frozenset(map(str, secrets)),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls(receiver_id, frozenset())

    def accepts(self, token: str) -> bool:
        """Whether it accepts this token."""
        return keyspace.fingerprint(token) in self.tokens

    def serves(self, url: str) -> bool:
        """Whether it serves this public URL: its path, and what is signed for it. Without public URLs it serves any."""
        return not self.urls or url_fingerprint(url) in self.urls

    def accepts_secret(self, secret: str | None) -> bool:
        """Whether it accepts hooks with this secret; of one whose version publishes none, those without."""
        if self.secrets is None:
            return True
        return not self.secrets if secret is None else keyspace.fingerprint(secret) in self.secrets


def url_fingerprint(url: str) -> str:
    """The fingerprint of a public URL in canonical form."""
    return keyspace.fingerprint(canonical(url))


async def publish(redis: AsyncRedis, receiver: Receiver) -> None:
    """Publish for the next minute that a receiver runs, and what it accepts. Raises redis.RedisError."""
    secrets = None if receiver.secrets is None else sorted(receiver.secrets)
    entry = json.dumps({"tokens": sorted(receiver.tokens), "urls": sorted(receiver.urls), "secrets": secrets})
    pipeline = redis.pipeline(transaction=True)
    pipeline.set(keyspace.receiver(receiver.id), entry, ex=ENTRY_S)
    pipeline.sadd(keyspace.RECEIVERS, receiver.id)
    await pipeline.execute()


async def withdraw(redis: AsyncRedis, receiver_id: str) -> None:
    """Remove a receiver's entry. Raises redis.RedisError."""
    await redis.delete(keyspace.receiver(receiver_id))


def living_receivers(redis: Redis) -> list[Receiver]:
    """Every running receiver. Ids of expired entries are removed. Raises redis.RedisError."""
    ids = sorted(member.decode() for member in cast("set[bytes]", redis.smembers(keyspace.RECEIVERS)))
    if not ids:
        return []
    pipeline = redis.pipeline(transaction=False)
    for receiver_id in ids:
        pipeline.get(keyspace.receiver(receiver_id))
        pipeline.pttl(keyspace.receiver(receiver_id))
    answers = pipeline.execute()
    entries = cast("list[bytes | None]", answers[::2])
    for receiver_id, left_ms in zip(ids, answers[1::2], strict=True):
        if left_ms > ENTRY_S * 1000:  # written while Redis' clock was ahead: it would outlive its receiver
            redis.pexpire(keyspace.receiver(receiver_id), ENTRY_S * 1000)
    expired = [receiver_id for receiver_id, entry in zip(ids, entries, strict=True) if entry is None]
    if expired:  # a receiver that only failed to renew its entry comes back with the next renewal
        redis.srem(keyspace.RECEIVERS, *expired)
    return [
        Receiver.parse(receiver_id, entry) for receiver_id, entry in zip(ids, entries, strict=True) if entry is not None
    ]

"""Presence: which tokens and public URLs this receiver accepts, so that no hook is moved to what it would refuse."""

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.receivers import RENEWAL_S, publish, withdraw


class Presence:
    """One receiver's entry among the living."""

    def __init__(self, redis: Redis, tokens: Iterable[str], urls: Iterable[str]) -> None:
        """Of its tokens and public URLs the fingerprints."""
        self._redis, self._tokens, self._urls = redis, frozenset(tokens), frozenset(urls)
        self._id = uuid.uuid4().hex

    async def run(self) -> None:
        """Renew the entry for ever. While Redis is away it expires, and nothing is decided without it."""
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                await publish(self._redis, self._id, self._tokens, self._urls)
            await asyncio.sleep(RENEWAL_S)

    async def end(self) -> None:
        """Withdraw the entry, where Redis answers."""
        with suppress(RedisError, OSError, TimeoutError):
            await withdraw(self._redis, self._id)

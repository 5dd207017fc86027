"""Presence: which tokens and public URLs this receiver accepts, so that no hook is moved to what it would refuse."""

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.receivers import RENEWAL_S, publish, withdraw
from runtime.logs import logger
from runtime.redis_url import reason

log = logger("seven.ingest")


class Presence:
    """One receiver's entry among the living."""

    def __init__(self, redis: Redis, tokens: Iterable[str], urls: Iterable[str]) -> None:
        """Of its tokens and public URLs the fingerprints."""
        self._redis, self._tokens, self._urls = redis, frozenset(tokens), frozenset(urls)
        self._id = uuid.uuid4().hex

    async def run(self) -> None:
        """Renew the entry for ever. While Redis is away, or denies it, the entry expires; that is logged once."""
        failed = False
        while True:
            try:
                await publish(self._redis, self._id, self._tokens, self._urls)
            except (RedisError, OSError, TimeoutError) as error:
                if not failed:
                    log.warning("not published what this receiver accepts: hooks stay as they are", cause=reason(error))
                failed = True
            else:
                if failed:
                    log.info("published what this receiver accepts")
                failed = False
            await asyncio.sleep(RENEWAL_S)

    async def end(self) -> None:
        """Withdraw the entry, where Redis answers."""
        with suppress(RedisError, OSError, TimeoutError):
            await withdraw(self._redis, self._id)

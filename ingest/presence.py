"""Presence: publishes which tokens and public URLs this receiver accepts, so that no hook moves to one it refuses."""

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.receivers import RENEWAL_S, publish, withdraw
from runtime.logs import logger
from runtime.redis_errors import redis_reason

log = logger("seven.ingest")


class Presence:
    """One receiver's entry among the running receivers."""

    def __init__(self, redis: Redis, tokens: Iterable[str], urls: Iterable[str]) -> None:
        """`tokens` and `urls` are fingerprints."""
        self._redis, self._tokens, self._urls = redis, frozenset(tokens), frozenset(urls)
        self._id = uuid.uuid4().hex

    async def run(self) -> None:
        """Renew the entry for ever. While Redis is unreachable or denies the write, the entry expires; logged once."""
        failed = False
        while True:
            try:
                await publish(self._redis, self._id, self._tokens, self._urls)
            except (RedisError, OSError) as error:
                if not failed:
                    log.warning(
                        "accepted tokens and URLs are not published: hooks stay unchanged", cause=redis_reason(error)
                    )
                failed = True
            else:
                if failed:
                    log.info("accepted tokens and URLs are published again")
                failed = False
            await asyncio.sleep(RENEWAL_S)

    async def end(self) -> None:
        """Withdraw the entry, where Redis answers."""
        with suppress(RedisError, OSError):
            await withdraw(self._redis, self._id)

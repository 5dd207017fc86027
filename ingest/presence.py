"""Presence: publishes which hooks this receiver accepts, so that none becomes one that it refuses."""

import asyncio
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ledger.receivers import RENEWAL_S, Receiver, publish, withdraw
from runtime.logs import logger
from runtime.redis_errors import redis_reason

log = logger("seven.ingest")


class Presence:
    """One receiver's entry among the running receivers."""

    def __init__(self, redis: Redis, receiver: Receiver) -> None:
        self._redis, self._receiver = redis, receiver

    async def run(self) -> None:
        """Renew the entry for ever. While Redis is unreachable or denies the write, the entry expires; logged once."""
        failed = False
        while True:
            try:
                await publish(self._redis, self._receiver)
            except (RedisError, OSError) as error:
                if not failed:
                    log.warning("accepted hooks are not published: hooks stay unchanged", cause=redis_reason(error))
                failed = True
            else:
                if failed:
                    log.info("accepted hooks are published again")
                failed = False
            await asyncio.sleep(RENEWAL_S)

    async def end(self) -> None:
        """Withdraw the entry, where Redis answers."""
        with suppress(RedisError, OSError):
            await withdraw(self._redis, self._receiver.id)

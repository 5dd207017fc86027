"""Sentinel: clients that ask sentinels where the primary is, whenever they make a connection.

redis-py's own search moves the sentinel that answered to the front of a list which all threads or tasks of a client
share: two that do so at once replace one entry by another, until all are the same sentinel. Here the list stays as it
is, and only the place where the search begins moves.
"""

from typing import Any

import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ledger.primary import (
    AsyncPrimaryConnection,
    AsyncPrimarySSLConnection,
    PrimaryConnection,
    PrimarySSLConnection,
)
from runtime.redis_errors import NoPrimary, redis_reason

_AWAY = (RedisConnectionError, RedisTimeoutError)


class Search:
    """What the sentinels answered about one primary, when each of them has been asked."""

    def __init__(self, primary: str) -> None:
        self._primary = primary
        self._failure = "no sentinel answers"

    def away(self, error: Exception) -> None:
        """A sentinel does not answer."""
        if self._failure.startswith("no sentinel answers"):
            self._failure = f"no sentinel answers ({redis_reason(error)})"

    def address(self, masters: Any) -> tuple[str, int] | None:
        """The primary's address in a sentinel's answer; None where it knows none of that name that is up."""
        state = masters.get(self._primary)
        if state and state["is_master"] and not state["is_sdown"] and not state["is_odown"]:
            return str(state["ip"]), int(state["port"])
        self._failure = "the primary is down, or its sentinels know it by another name"
        return None

    def failure(self) -> NoPrimary:
        """The error for a search without result."""
        return NoPrimary(self._failure)


class Sentinels(redis.sentinel.Sentinel):
    """The sentinels of one primary; safe to share between threads."""

    _first = 0

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """The primary's address. Raises NoPrimary."""
        search, number = Search(service_name), len(self.sentinels)
        for place in range(self._first, self._first + number):
            try:
                address = search.address(self.sentinels[place % number].sentinel_masters())
            except _AWAY as error:
                search.away(error)
                continue
            if address:
                self._first = place % number
                return address
        raise search.failure()


class AsyncSentinels(redis.asyncio.sentinel.Sentinel):
    """The same for asyncio, and tasks."""

    _first = 0

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """The primary's address. Raises NoPrimary."""
        search, number = Search(service_name), len(self.sentinels)
        for place in range(self._first, self._first + number):
            try:
                address = search.address(await self.sentinels[place % number].sentinel_masters())
            except _AWAY as error:
                search.away(error)
                continue
            if address:
                self._first = place % number
                return address
        raise search.failure()


class SentinelPool(redis.sentinel.SentinelConnectionPool):
    """Connections to the primary; closes those to sentinels along with them."""

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self.sentinel_manager.close()


class AsyncSentinelPool(redis.asyncio.sentinel.SentinelConnectionPool):
    """The same for asyncio."""

    async def aclose(self) -> None:
        """Close all connections."""
        await super().aclose()
        await self.sentinel_manager.aclose()


class SentinelConnection(redis.sentinel.SentinelManagedConnection, PrimaryConnection):
    """A connection to the primary that closes when it no longer is."""


class SentinelSSLConnection(redis.sentinel.SentinelManagedConnection, PrimarySSLConnection):
    """The same over TLS."""


class AsyncSentinelConnection(redis.asyncio.sentinel.SentinelManagedConnection, AsyncPrimaryConnection):
    """The same for asyncio."""


class AsyncSentinelSSLConnection(redis.asyncio.sentinel.SentinelManagedConnection, AsyncPrimarySSLConnection):
    """The same for asyncio, over TLS."""

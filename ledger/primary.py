"""Connections that close when their server is no longer the primary.

The server behind an address may become a replica while connections to it stay open: a planned failover, a proxy. It
then answers every write READONLY, which is no connection error, so a client would keep the connection for ever. These
connections close instead; the next one reaches the new primary.
"""

from typing import Any, NoReturn

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError, ResponseError

REPLICA_ERRORS = (ReadOnlyError, MasterDownError)
"""Errors that a replica answers with."""


def _is_replica_error(error: ResponseError) -> bool:
    """Whether the server is no longer the primary; UNBLOCKED ends blocking commands when its role changes."""
    return isinstance(error, REPLICA_ERRORS) or str(error).startswith("UNBLOCKED")


class ReadOnlyServer(RedisConnectionError):  # noqa: N818 - describes the server
    """The server is no longer the primary; the connection to it has been closed."""


def _raise_read_only(error: ResponseError) -> NoReturn:
    raise ReadOnlyServer("the server is no longer the primary") from error


class PrimaryConnection(redis.Connection):
    """A connection that closes when its server is no longer the primary."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a response. Raises ReadOnlyServer where a replica answered."""
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            if not _is_replica_error(error):
                raise
            self.disconnect()  # type: ignore[no-untyped-call] # redis-py's
            _raise_read_only(error)


class PrimarySSLConnection(PrimaryConnection, redis.SSLConnection):
    """The same over TLS."""


class AsyncPrimaryConnection(redis.asyncio.Connection):
    """The same for asyncio."""

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a response. Raises ReadOnlyServer where a replica answered."""
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            if not _is_replica_error(error):
                raise
            await self.disconnect(nowait=True)
            _raise_read_only(error)


class AsyncPrimarySSLConnection(AsyncPrimaryConnection, redis.asyncio.SSLConnection):
    """The same for asyncio, over TLS."""


def leave_server(client: redis.Redis) -> None:
    """Close idle connections now, and those in use once they are released; new ones may reach another server.

    To close a connection that another thread or task is using, redis-py takes its socket away: that use then fails
    with an AttributeError, which no caller expects.
    """
    client.connection_pool.update_active_connections_for_reconnect()
    client.connection_pool.disconnect(inuse_connections=False)


async def leave_server_async(client: redis.asyncio.Redis) -> None:
    """The same for asyncio."""
    await client.connection_pool.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call] # redis-py's
    await client.connection_pool.disconnect(inuse_connections=False)

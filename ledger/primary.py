"""Connections that lead to the primary, or to nobody.

Behind one address the server may become a replica while a connection to it stays: a planned failover, a proxy. It then
answers every write READONLY, which is an answer and no fault of the connection, so a client would keep it for ever. A
connection of ours ends there; the next one goes to whoever is the primary by then.
"""

from typing import Any, NoReturn

import redis
import redis.asyncio
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError, ResponseError

LEFT = (ReadOnlyError, MasterDownError)
"""What a replica answers."""


def _has_left(error: ResponseError) -> bool:
    """Whether a server says that it is the primary no more; UNBLOCKED ends what waits when its role changes."""
    return isinstance(error, LEFT) or str(error).startswith("UNBLOCKED")


class ReadOnlyServer(RedisConnectionError):  # noqa: N818 - what it is, not whose fault
    """The server is not the primary any more; this connection to it has been closed."""


def _lost(error: ResponseError) -> NoReturn:
    raise ReadOnlyServer("the server is not the primary any more") from error


class PrimaryConnection(redis.Connection):
    """A connection that ends when its server is the primary no more."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one. Raises ReadOnlyServer for the answer of a replica."""
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            if not _has_left(error):
                raise
            self.disconnect()  # type: ignore[no-untyped-call] # of the library's
            _lost(error)


class PrimarySSLConnection(PrimaryConnection, redis.SSLConnection):
    """The same over TLS."""


class AsyncPrimaryConnection(redis.asyncio.Connection):
    """The same for asyncio."""

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one. Raises ReadOnlyServer for the answer of a replica."""
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            if not _has_left(error):
                raise
            await self.disconnect(nowait=True)
            _lost(error)


class AsyncPrimarySSLConnection(AsyncPrimaryConnection, redis.asyncio.SSLConnection):
    """The same for asyncio, over TLS."""


def use_in_celery() -> None:
    """Have Celery in this process connect so, too: producers, consumers, beat and Flower share this one transport."""
    Channel.connection_class, Channel.connection_class_ssl = PrimaryConnection, PrimarySSLConnection

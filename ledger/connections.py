"""Connections: every client of the ledger's server, by address or through sentinels, in this process and in Celery."""

from typing import Any

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.sentinel
from kombu.transport import redis as kombu
from redis.backoff import NoBackoff
from redis.retry import Retry

from ledger import primary
from ledger.sentinel import (
    AsyncSentinelConnection,
    AsyncSentinelPool,
    AsyncSentinels,
    AsyncSentinelSSLConnection,
    SentinelConnection,
    SentinelPool,
    Sentinels,
    SentinelSSLConnection,
)
from runtime.redis_url import RedisServer


def connect(server: RedisServer, **options: Any) -> redis.Redis:
    """A client that leads to the primary and does not retry: a resent command might be carried out twice."""
    options |= {**server.tls, "retry": Retry(NoBackoff(), 0)}
    if server.sentinels is None:
        by_address = primary.PrimarySSLConnection if server.tls else primary.PrimaryConnection
        return redis.Redis.from_url(server.url, connection_class=by_address, **options)
    settings = {**server.sentinels.options, "retry": Retry(NoBackoff(), 0)}
    sentinels = Sentinels(server.sentinels.addresses, sentinel_kwargs=settings)  # type: ignore[no-untyped-call] # redis-py's
    connection_class = SentinelSSLConnection if server.tls else SentinelConnection
    options |= {**server.login, "connection_class": connection_class, "connection_pool_class": SentinelPool}
    client: redis.Redis = sentinels.master_for(server.sentinels.primary, **options)  # type: ignore[no-untyped-call]
    return client


def connect_async(server: RedisServer, **options: Any) -> redis.asyncio.Redis:
    """The same for asyncio."""
    options |= {**server.tls, "retry": redis.asyncio.retry.Retry(NoBackoff(), 0)}
    if server.sentinels is None:
        by_address = primary.AsyncPrimarySSLConnection if server.tls else primary.AsyncPrimaryConnection
        return redis.asyncio.Redis.from_url(server.url, connection_class=by_address, **options)
    settings = {**server.sentinels.options, "retry": redis.asyncio.retry.Retry(NoBackoff(), 0)}
    sentinels = AsyncSentinels(server.sentinels.addresses, sentinel_kwargs=settings)  # type: ignore[no-untyped-call]
    connection_class = AsyncSentinelSSLConnection if server.tls else AsyncSentinelConnection
    options |= {**server.login, "connection_class": connection_class, "connection_pool_class": AsyncSentinelPool}
    client: redis.asyncio.Redis = sentinels.master_for(server.sentinels.primary, **options)
    return client


class SentinelChannel(kombu.SentinelChannel):
    """A channel of Celery's whose sentinels are asked once each: for one that is away the next is asked, at once."""

    connection_class, connection_class_ssl = SentinelConnection, SentinelSSLConnection  # type: ignore[assignment] # None where redis-py is missing
    sentinel_kwargs: dict[str, Any]

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> Any:
        self.sentinel_kwargs = {**self.sentinel_kwargs, "retry": Retry(NoBackoff(), 0)}
        return super()._sentinel_managed_pool(asynchronous)  # type: ignore[no-untyped-call] # of kombu's


def use_in_celery() -> None:
    """Make Celery in this process use these connections: producers, consumers, beat and Flower share one transport."""
    kombu.Channel.connection_class = primary.PrimaryConnection
    kombu.Channel.connection_class_ssl = primary.PrimarySSLConnection
    kombu.SentinelTransport.Channel = SentinelChannel

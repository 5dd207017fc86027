"""Writer: the receivers' asynchronous side of the ledger."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ledger import keyspace
from ledger.batch import Header, NewBatch, UnreadableBatch
from ledger.clock import as_time, milliseconds
from ledger.connections import connect_async
from ledger.replicas import confirmed, wait_ms
from ledger.scripts import ACCEPT
from runtime.redis_errors import redis_reason
from runtime.redis_url import RedisServer

PAUSE_S = 0.1  # between two attempts while Redis refuses connections


class NotAccepted(Exception):  # noqa: N818 - describes the ledger
    """The ledger has not confirmed a batch: it is unreachable, full, read-only, loading or slow.

    Whether the ledger has the batch is unknown; resent with a new id it merges into the same rows. `kind` is a word
    or the class of an exception, for a metric.
    """

    def __init__(self, reason: str, kind: str | None = None) -> None:
        super().__init__(reason)
        self.kind = kind or reason


class LedgerWriter:
    """Writes batches to the ledger: a confirmed batch is durable.

    The client's own retries are off: after a lost answer they would resend what has already been counted. The writer
    resends too, but by batch id, which the ledger counts once, and only within `deadline_s`, which is far shorter than
    the time after which the sweep announces a batch (`SEVEN_OVERDUE_S`): until then no worker knows the id, so no
    worker can have settled it.
    """

    def __init__(self, redis_url: str, deadline_s: float, replicas: int = 0) -> None:
        """With `replicas`, as many must have a batch, in memory at least, before it counts as confirmed."""
        self._deadline_s, self._replicas = deadline_s, replicas
        self.redis = connect_async(
            RedisServer.parse(redis_url),
            socket_timeout=deadline_s,
            socket_connect_timeout=deadline_s,
            socket_keepalive=True,
            client_name="seven-ingest-receiver",
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.redis.aclose()

    async def accept(self, batches: Sequence[NewBatch]) -> list[Header | NotAccepted]:
        """Write the batches in one round trip; for each, its header with its ordinals, or why it is not confirmed."""
        refusal: Exception | None = None  # of an earlier attempt: it says more than that the time is over
        loop = asyncio.get_running_loop()
        until = loop.time() + self._deadline_s
        try:
            async with asyncio.timeout_at(until):
                while True:
                    try:
                        return [_parse(answer) for answer in await self._answers(batches, until - loop.time())]
                    except RedisTimeoutError:
                        raise
                    except (RedisConnectionError, OSError) as error:
                        refusal = error
                        if loop.time() >= until:  # the cancellation may have ended as this error: none comes again
                            raise
                        await asyncio.sleep(PAUSE_S)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            return [_not_accepted(refusal or error)] * len(batches)

    async def _answers(self, batches: Sequence[NewBatch], within_s: float) -> list[Any]:
        answers = await self._evaluate(batches, within_s)
        while any(isinstance(answer, NoScriptError) for answer in answers):
            await self.redis.script_load(ACCEPT.text)
            answers = await self._evaluate(batches, within_s)
        return answers

    async def clock(self) -> datetime | None:
        """The time by Redis' clock; None where it does not answer."""
        try:
            return as_time(milliseconds(await self.redis.time()))
        except (RedisError, OSError):
            return None

    async def _evaluate(self, batches: Sequence[NewBatch], within_s: float) -> list[Any]:
        pipeline = self.redis.pipeline(transaction=False)
        life = uuid.uuid4().hex  # for a ledger without one; never one that it had before
        for batch in batches:
            keys = (*keyspace.accepted(batch.queue), keyspace.LAST)
            pipeline.evalsha(ACCEPT.sha, len(keys), *keys, *batch.arguments(life))
        if self._replicas:
            pipeline.wait(self._replicas, wait_ms(within_s))  # on the connection that has written
        answers = await pipeline.execute(raise_on_error=False)
        return confirmed(answers, self._replicas) if self._replicas else answers


def _parse(answer: Any) -> Header | NotAccepted:
    if isinstance(answer, bytes):
        try:
            return Header.parse(answer)
        except UnreadableBatch:
            return NotAccepted("UnreadableBatch")
    return _not_accepted(answer)


def _not_accepted(error: BaseException) -> NotAccepted:
    return NotAccepted(redis_reason(error), type(error).__name__)

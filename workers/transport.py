"""Celery's Redis transport, which also survives invalid messages on a queue, and queues that Redis refuses.

With kombu's own, an item that is not JSON ends the worker, and so does an invalid task body, again and again, since it
is redelivered. Invalid messages may be thrown away: the sweep repeats lost announcements. And kombu waits for all
queues in one command: without the right to one of them, new in this version for example, a worker would consume none.
"""

import base64
import json
import time
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError

from ledger import connections
from ledger.announcements import CLOCK, REACTIONS
from ledger.health import needed_for, refused_queues
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from seven.events import QUEUES

TASK_QUEUES = frozenset((*QUEUES, CLOCK, REACTIONS))

log = logger("seven.workers")

REFUSED_AGAIN_S = 5.0
"""Seconds until a queue is tried again that Redis refuses."""

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""Raised by kombu for invalid JSON, unknown type names or oversized numbers."""


class QoS(redis.QoS):
    """Unacknowledged messages; drops those that can never be restored, and counts none against the limit for ever."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge. Where Redis refuses, Redis gives the message out again later, and its place is free at once.

        With kombu's own it would stay taken; with all places taken a worker waits, alive, and never consumes again.
        """
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call] # of kombu's
        finally:
            self._quick_ack(delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Reject; as for `ack`."""
        try:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call] # of kombu's
        finally:
            self._quick_ack(delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Put unacknowledged messages back on their queues; without a server others do, once they time out."""
        try:
            super().restore_unacked(client)  # type: ignore[no-untyped-call] # of kombu's
        except (RedisError, OSError) as error:
            log.warning(
                "not restored: messages come again later", messages=len(self._delivered), cause=redis_reason(error)
            )
            self._delivered.clear()

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Put a message back on its queue, or drop it if it is invalid."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call] # of kombu's
        except UNREADABLE:
            log.error("thrown away: a reserved item is not a message")  # noqa: TRY400 - a traceback would quote it
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call] # of kombu's


class Channel(redis.Channel):
    """A channel that throws unreadable messages away, and leaves out queues as long as Redis refuses them."""

    QoS = QoS
    _refused: tuple[str, ...] = ()
    _tried_at = 0.0

    def _connparams(self, asynchronous: bool = False) -> Any:
        """Parameters of connections. Raises redis.ConnectionError for a channel that has been closed for good.

        kombu's own raises an AttributeError then, which ends a worker whose task is to be acknowledged or restored
        while the server is away: its connection is lost, and Celery has taken the client from the transport.
        """
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("the channel is closed")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call] # of kombu's

    def _size(self, queue: str) -> int:
        """The length of a queue, which kombu asks for when it declares it; 0 where Redis denies it."""
        try:
            return int(super()._size(queue))  # type: ignore[no-untyped-call] # of kombu's
        except NoPermissionError:
            return 0

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call] # of kombu's
        except UNREADABLE as error:
            # no traceback: it would quote the message
            log.error("thrown away: an item on a queue is unreadable", cause=type(error).__name__)  # noqa: TRY400
            raise Empty from None  # tells the poller that the queue is empty
        except NoPermissionError:
            if not self._leave_out_refused():
                raise
            raise Empty from None

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self._refused and time.monotonic() - self._tried_at >= REFUSED_AGAIN_S:
            self._leave_out_refused()
        super()._brpop_start(timeout)  # type: ignore[no-untyped-call] # of kombu's

    def _leave_out_refused(self) -> bool:
        """Poll only the queues that Redis allows now. Returns whether it refuses any; logs what changes."""
        queues = self.active_queues
        with self.conn_or_acquire() as client:
            refused = refused_queues(client, queues)
        if refused and refused != self._refused:
            log.error("queues are not consumed: the user of Redis may not", queues=refused, cause=needed_for(refused))
        elif self._refused and not refused:
            log.info("all queues are consumed again")
        self._refused, self._tried_at = refused, time.monotonic()
        self._queue_cycle.update([queue for queue in queues if queue not in refused])
        return bool(refused)


class SentinelChannel(Channel, connections.SentinelChannel):
    """The same behind sentinels."""


class Transport(redis.Transport):
    """A transport that throws away messages that are not tasks, on the queues of tasks."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if queue in TASK_QUEUES and not is_task(message):
            log.error("thrown away: a message on a queue is not a task", queue=queue)
        else:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call] # of kombu's


class SentinelTransport(Transport, redis.SentinelTransport):
    """The same behind sentinels."""

    Channel = SentinelChannel


def register_transport() -> None:
    """Make this process use the transports for Redis URLs, whose schemes stay those that Flower recognises as Redis."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
    TRANSPORT_ALIASES["sentinel"] = f"{__name__}:{SentinelTransport.__name__}"


def is_task(message: Any) -> bool:
    """Whether this is a task message as `announce` and beat send it. Celery itself does not validate messages."""
    try:
        headers, properties = message["headers"], message["properties"]
        names = (headers["task"], headers["id"], properties["delivery_tag"])
        args, kwargs, _ = json.loads(base64.b64decode(message["body"], validate=True))
    except (TypeError, KeyError, ValueError, RecursionError):
        return False
    is_json = (message.get("content-type"), properties.get("body_encoding")) == ("application/json", "base64")
    return (
        is_json and all(isinstance(name, str) for name in names) and isinstance(args, list) and isinstance(kwargs, dict)
    )

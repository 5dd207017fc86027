"""Announcements: Celery messages that tell workers which batches wait. Losing one loses no delivery.

Celery on Redis loses a message when a worker is killed between popping it and recording it as unacknowledged, whatever
the settings; so a message carries batch ids only, and the sweep announces again each batch that is not settled.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from ledger import keyspace
from ledger.connections import use_in_celery
from runtime.redis_url import RedisServer
from seven.events import QUEUES

CLOCK = "clock"
"""The queue of the tasks that beat sends."""
REACTIONS = "reactions"
"""The queue of dispatchers; other workers do not consume it."""
DISPATCH_TASK, NOTIFY_TASK = "dispatch", "notify"
"""Its tasks: hand out what changed; send to one subscriber what is due."""
_WAITS_MS = 60_000
_MOST_WAITING = 100

BATCHES_PER_ANNOUNCEMENT = 32


def task_name(queue: str) -> str:
    """The task that consumes a queue."""
    return f"consume.{queue}"


def broker(redis_url: str) -> dict[str, Any]:
    """The Celery settings that senders and consumers must share."""
    use_in_celery()
    server = RedisServer.parse(redis_url)
    return {
        **server.broker,
        "task_queues": [
            Queue(name, Exchange(name, type="direct"), routing_key=name) for name in (*QUEUES, CLOCK, REACTIONS)
        ],
        "task_default_queue": CLOCK,
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "broker_transport_options": {
            **server.transport_options,
            # Other workers get a killed worker's messages after this long; the sweep is usually faster.
            "visibility_timeout": 300,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    }


def remote_control_channel(redis: Redis) -> str:
    """The channel of Celery's remote control in this client's database."""
    return f"/{redis.get_connection_kwargs().get('db', 0)}.celery.pidbox"


def announce(app: Celery, queue: str, batch_ids: Sequence[str], **options: Any) -> None:
    """Send one announcement: blocking, bounded by the broker's timeouts. Raises kombu's OperationalError."""
    app.send_task(
        task_name(queue),
        args=[list(batch_ids)],
        queue=queue,
        argsrepr=f"{len(batch_ids)} batch{'es' * (len(batch_ids) > 1)}: {batch_ids[0]}",  # Flower shows this
        retry=False,
        **options,
    )


def announce_changes(app: Celery, redis: Redis) -> None:
    """Have changes handed out soon; one request waits at a time. A lost one costs a second: dispatchers also look."""
    with suppress(RedisError, OSError, OperationalError):
        if not redis.set(keyspace.CHANGES_ANNOUNCED, 1, nx=True, px=_WAITS_MS):
            return
        if redis.llen(REACTIONS) < _MOST_WAITING:  # perhaps no dispatcher consumes them
            app.send_task(DISPATCH_TASK, queue=REACTIONS, retry=False)


def changes_seen(redis: Redis) -> None:
    """Let later changes be announced again. Call it before reading changes."""
    with suppress(RedisError, OSError):
        redis.delete(keyspace.CHANGES_ANNOUNCED)


def request_sender(app: Celery, reaction: str) -> None:
    """Have a subscriber sent what is due for it. Raises kombu's OperationalError."""
    app.send_task(NOTIFY_TASK, args=[reaction], queue=REACTIONS, retry=False)

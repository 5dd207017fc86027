"""Transport: Celery's Redis transport, surviving what lies on a queue and is no message.

With kombu's own a worker ends itself over an item that is no JSON, and over and over at a body that is no task's: it
comes back. Nothing is lost by throwing such a thing away, since announcements are told again by the sweep.
"""

import base64
import json
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from ledger.announcements import CLOCK
from runtime.logs import logger
from seven.events import QUEUES

TASK_QUEUES = frozenset((*QUEUES, CLOCK))

log = logger("seven.workers")


UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What kombu's reading raises: of what is no JSON, names types that there are not, or numbers without end."""


class QoS(redis.QoS):
    """What is reserved and not acknowledged; it lets go of what can never be put back."""

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Put a message back on its queue."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call] # of kombu's
        except UNREADABLE:
            log.error("thrown away: what was reserved is no message")  # noqa: TRY400 - a traceback would quote it
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call] # of kombu's


class Channel(redis.Channel):
    """A channel that throws away what cannot be read."""

    QoS = QoS

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call] # of kombu's
        except UNREADABLE as error:
            # no traceback: it would quote the message
            log.error("thrown away: what lay on a queue cannot be read", cause=type(error).__name__)  # noqa: TRY400
            raise Empty from None  # the poller's word for nothing there


class Transport(redis.Transport):
    """A transport that throws away what is JSON and no task, on the queues of tasks."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if queue in TASK_QUEUES and not is_task(message):
            log.error("thrown away: what lay on a queue is no task", queue=queue)
        else:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call] # of kombu's


def bring_transport() -> None:
    """Have this process speak to Redis through ours; its URL stays one that Flower, too, takes for Redis."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"


def is_task(told: Any) -> bool:
    """Whether Celery can make a task of this message, as `announce` and beat send them: it trusts what it reads."""
    try:
        headers, properties = told["headers"], told["properties"]
        named = (headers["task"], headers["id"], properties["delivery_tag"])
        args, kwargs, _ = json.loads(base64.b64decode(told["body"], validate=True))
    except (TypeError, KeyError, ValueError, RecursionError):
        return False
    of_json = (told.get("content-type"), properties.get("body_encoding")) == ("application/json", "base64")
    return (
        of_json and all(isinstance(one, str) for one in named) and isinstance(args, list) and isinstance(kwargs, dict)
    )

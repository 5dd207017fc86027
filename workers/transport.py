"""Transport: Celery's Redis transport, surviving what lies on a queue and is no message.

A worker of kombu's own ends itself over an item that is no JSON, and again and again over a body that is no base64: the
item comes back. Nothing is lost by throwing such a thing away, since announcements are told again by the sweep.
"""

import base64
import json
import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

log = logging.getLogger("seven.workers")


class Channel(redis.Channel):
    """A channel that throws away what is not even JSON."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call] # of kombu's
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            log.error("thrown away: what lay on a queue is not JSON")  # noqa: TRY400 - a traceback would quote it
            raise Empty from None  # the poller's word for nothing there


class Transport(redis.Transport):
    """A transport that throws away what is JSON and no message."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_message(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call] # of kombu's
        else:
            log.error("thrown away: what lay on queue=%s is no message", queue)


def is_message(told: Any) -> bool:
    """Whether kombu can make a message of this: it trusts what it reads."""
    try:
        properties, body = told["properties"], told.get("body") or ""
        if (properties.get("body_encoding") or "utf-8").lower() == "base64":
            base64.b64decode(body, validate=True)
        return isinstance(properties["delivery_tag"], str) and isinstance(told.get("headers") or {}, dict)
    except (TypeError, KeyError, AttributeError, ValueError):
        return False

"""Telling: what Flower is told of a task that failed. It keeps what it is told, on disk."""

from typing import Any

from celery import Task
from celery.worker.request import Request


class RedactedRequest(Request):  # type: ignore[misc] # Celery ships no types
    """Of an exception its class alone: its words, and a traceback's, quote what it was raised over."""

    def send_event(self, type: str, **told: Any) -> None:  # noqa: A002 - the signature is Celery's
        """Send an event to whoever watches."""
        if "exception" in told:
            told |= {"exception": told["exception"].partition("(")[0], "traceback": None}
        super().send_event(type, **told)


class RedactedTask(Task):  # type: ignore[misc]
    """A task whose failures are told so."""

    abstract = True
    Request = "workers.redaction:WordlessRequest"

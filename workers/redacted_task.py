"""Redacts exception messages and tracebacks in Celery events: Flower persists them."""

from typing import Any

from celery import Task
from celery.worker.request import Request


class RedactedRequest(Request):  # type: ignore[misc] # Celery ships no types
    """Sends an exception's class only: its message and traceback may quote data of a delivery."""

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 - the signature is Celery's
        """Send an event to Celery's event queue."""
        if "exception" in fields:
            fields |= {"exception": fields["exception"].partition("(")[0], "traceback": None}
        super().send_event(type, **fields)


class RedactedTask(Task):  # type: ignore[misc]
    """A task whose failure events are redacted."""

    abstract = True
    Request = f"{__name__}:{RedactedRequest.__name__}"

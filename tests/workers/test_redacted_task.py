"""Redaction: events of a failure contain the exception's class, and neither its message nor a traceback."""

from types import SimpleNamespace
from typing import Any

from celery import Celery

from workers.redacted_task import RedactedRequest, RedactedTask


def test_a_failure_event_names_only_the_class():
    """Message and traceback may quote data of a delivery; all other fields are sent unchanged."""
    events: list[tuple[str, dict[str, Any]]] = []
    eventer = SimpleNamespace(enabled=True, send=lambda kind, **fields: events.append((kind, fields)))
    attributes = {"id": "7", "task": SimpleNamespace(send_events=True), "_eventer": eventer}
    request = object.__new__(type("TestedRequest", (RedactedRequest,), attributes))

    request.send_event("task-failed", exception="ValueError('4917612345678')", traceback="… 4917612345678")
    request.send_event("task-succeeded", runtime=0.1)

    assert events == [
        ("task-failed", {"uuid": "7", "exception": "ValueError", "traceback": None}),
        ("task-succeeded", {"uuid": "7", "runtime": 0.1}),
    ]


def test_tasks_of_the_app_are_redacted():
    """An app with this task class receives its tasks as redacted requests."""
    with Celery("test", set_as_current=False, task_cls=f"{RedactedTask.__module__}:{RedactedTask.__name__}") as app:

        def nothing() -> None:
            return None

        task = app.task(nothing, name="any")
        app.finalize()
        assert app.tasks["any"].Request == f"{RedactedRequest.__module__}:{RedactedRequest.__name__}"
        assert isinstance(task, RedactedTask)

"""What Flower is told of a failure: which, and none of its words."""

from types import SimpleNamespace
from typing import Any

from celery import Celery

from workers.redaction import RedactedRequest, RedactedTask


def test_a_failure_is_told_by_its_class():
    """Its words and its traceback quote what it was raised over; everything else is told as it is."""
    told: list[tuple[str, dict[str, Any]]] = []
    eventer = SimpleNamespace(enabled=True, send=lambda kind, **rest: told.append((kind, rest)))
    stands = {"id": "7", "task": SimpleNamespace(send_events=True), "_eventer": eventer}
    request = object.__new__(type("Told", (RedactedRequest,), stands))

    request.send_event("task-failed", exception="ValueError('4917612345678')", traceback="… 4917612345678")
    request.send_event("task-succeeded", runtime=0.1)

    assert told == [
        ("task-failed", {"uuid": "7", "exception": "ValueError", "traceback": None}),
        ("task-succeeded", {"uuid": "7", "runtime": 0.1}),
    ]


def test_our_tasks_are_told_so():
    """Each task of an app with this class is received as such a request."""
    with Celery("test", set_as_current=False, task_cls=f"{RedactedTask.__module__}:Wordless") as app:

        def nothing() -> None:
            return None

        task = app.task(nothing, name="any")
        app.finalize()
        assert app.tasks["any"].Request == f"{RedactedRequest.__module__}:WordlessRequest"
        assert isinstance(task, RedactedTask)

"""Celery tasks: one that consumes each queue, and the scheduled ones."""

from collections.abc import Callable

from celery import Celery
from celery.signals import worker_ready

from ledger.announcements import CLOCK, task_name
from workers import scheduler
from workers.consumer import Consumer


def add_consumer(app: Celery, queue: str, consumer: Consumer) -> None:
    """Add the task that consumes announced batches of a queue."""

    def consume(batch_ids: list[str]) -> None:
        consumer.consume(queue, batch_ids)

    app.task(consume, name=task_name(queue))


def add_scheduled_task(
    app: Celery,
    seconds: float,
    name: str,
    work: Callable[[], object],
    *,
    at_start: bool = False,
    in_flower: bool = True,
) -> None:
    """Add a task that beat sends at an interval, on the clock's queue.

    With `at_start` each starting worker sends it as well. Without `in_flower` it sends no events, so that Flower's
    history does not show it.
    """

    def run() -> None:
        work()

    app.task(run, name=name, send_events=in_flower)
    app.conf.beat_schedule[name] = {"task": name, "schedule": scheduler.every(seconds), "options": {"queue": CLOCK}}
    if at_start:
        worker_ready.connect(lambda **_: app.send_task(name, queue=CLOCK), weak=False)

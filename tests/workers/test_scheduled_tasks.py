"""Scheduled tasks: one long task of a worker at a time, and audit and retention apart."""

import threading
from contextlib import nullcontext

import pytest
from celery import Celery
from celery.beat import ScheduleEntry

from ledger.announcements import CLOCK, broker
from ledger.client import Ledger
from tests.servers import PATIENCE_S
from workers.scheduled_tasks import LongTasks, ScheduledTasks


def test_a_worker_runs_one_long_task_at_a_time():
    """A long task that arrives while another runs is left, once, to the busy thread; its own thread is free at once."""
    tasks, order = LongTasks(), list[str]()
    began, may_end = threading.Event(), threading.Event()

    def audit() -> None:
        order.append("audit begins")
        began.set()
        assert may_end.wait(PATIENCE_S)
        order.append("audit ends")

    retain = tasks.task("retain", lambda: order.append("retain"))
    busy = threading.Thread(target=tasks.task("audit", audit))
    busy.start()
    assert began.wait(PATIENCE_S)
    for _ in range(3):
        retain()
    assert order == ["audit begins"]
    may_end.set()
    busy.join()
    assert order == ["audit begins", "audit ends", "retain"]
    retain()
    assert order[-1] == "retain"
    assert len(order) == 4


def test_a_failure_does_not_take_the_next_task_along():
    """A task that waited behind one that fails runs all the same; the failure is raised."""
    tasks, runs = LongTasks(), list[str]()
    retain = tasks.task("retain", lambda: runs.append("retain"))

    def audit() -> None:
        retain()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        tasks.task("audit", audit)()
    assert runs == ["retain"]
    with pytest.raises(ConnectionError):
        tasks.task("audit", audit)()
    assert runs == ["retain", "retain"]


def test_the_failure_of_another_task_is_logged(caplog: pytest.LogCaptureFixture):
    """It is not raised in the name of the task whose thread ran it."""
    tasks = LongTasks()

    def fail() -> None:
        raise ConnectionError

    retain = tasks.task("retain", fail)
    tasks.task("audit", retain)()
    assert ["retain" in str(record.msg) for record in caplog.records] == [True]


def test_a_thread_that_is_ended_leaves_the_turn_to_others():
    """After an exit within a task the next one runs."""
    tasks, runs = LongTasks(), list[str]()

    def leave() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        tasks.task("audit", leave)()
    tasks.task("retain", lambda: runs.append("retain"))()
    assert runs == ["retain"]


@pytest.mark.parametrize(("threads", "requests"), [(1, 0), (2, 1)])
def test_a_worker_of_one_thread_requests_no_run_at_once(ledger: Ledger, redis_url: str, threads: int, requests: int):
    """It would consume only between runs."""
    app = Celery("test", set_as_current=False, changes=broker(redis_url) | {"worker_concurrency": threads})
    ScheduledTasks(app, nullcontext).again("retain")
    assert ledger.redis.llen(CLOCK) == requests


def test_tasks_of_one_period_begin_apart():
    """Beat first sends a task that is ahead by half its period so much sooner, and then they stay apart."""
    app = Celery("test", set_as_current=False)
    tasks = ScheduledTasks(app, nullcontext)
    tasks.add_long(900, "audit", lambda: None)
    tasks.add_long(900, "retain", lambda: None, ahead_s=450)
    due_s = {}
    for name, entry in app.conf.beat_schedule.items():
        due_s[name] = ScheduleEntry(**entry, name=name, app=app).is_due().next
    assert 440 < due_s["audit"] - due_s["retain"] < 460
    assert due_s["audit"] <= 900

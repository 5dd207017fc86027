"""Scheduled tasks; a worker runs at most one long one at a time, so that its other threads consume.

A long task that arrives meanwhile runs afterwards, in the thread that is busy anyway. It is not sent back to the
broker: among idle workers it would go round for as long as the other lasts.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from celery import Celery

from ledger.announcements import CLOCK
from runtime.logs import logger
from workers import scheduler

Work = Callable[[], object]

log = logger("seven.workers")


class ScheduledTasks:
    """The scheduled tasks of an app, on the clock's queue."""

    def __init__(self, app: Celery, paused: Callable[[], AbstractContextManager[None]]) -> None:
        """`paused`: a context in which a task may take long."""
        self._app, self._paused, self._long = app, paused, LongTasks()
        self._first: list[str] = []
        app.conf.beat_schedule = {}

    def add(self, seconds: float, name: str, work: Work, ahead_s: float = 0, *, in_flower: bool = True) -> None:
        """Schedule a task every so many seconds; the first time so much sooner.

        Without `in_flower` it sends no events, so that Flower's history does not show it.
        """

        def run() -> None:
            work()

        self._app.task(run, name=name, send_events=in_flower)
        self._app.conf.beat_schedule[name] = {
            "task": name,
            "schedule": scheduler.every(seconds),
            "last_run_at": scheduler.began(ahead_s),
            "options": {"queue": CLOCK},
        }

    def add_long(self, seconds: float, name: str, work: Work, ahead_s: float = 0, *, at_start: bool = False) -> None:
        """Schedule a task that may take long. With `at_start` each starting worker requests a run as well."""

        def run() -> None:
            with self._paused():
                work()

        self.add(seconds, name, self._long.task(name, run), ahead_s)
        if at_start:
            self._first.append(name)

    def request_first(self) -> None:
        """Request a run of all that each starting worker requests."""
        for name in self._first:
            self._send(name)

    def again(self, name: str) -> None:
        """Request another run at once. A worker of one thread requests none: it would consume only between runs."""
        if self._app.conf.worker_concurrency > 1:
            self._send(name)

    def _send(self, name: str) -> None:
        self._app.send_task(name, queue=CLOCK)


class LongTasks:
    """The long tasks of one worker process, in the order in which they arrived; each waits at most once."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._busy = False
        self._waiting: dict[str, Work] = {}

    def task(self, name: str, work: Work) -> Work:
        """A task that does the work now, or leaves it to the thread that is doing another one."""

        def run() -> None:
            if self._begins(name, work):
                self._run_all(name)

        return run

    def _begins(self, name: str, work: Work) -> bool:
        with self._mutex:
            self._waiting.setdefault(name, work)
            if self._busy:
                return False
            self._busy = True
            return True

    def _run_all(self, own: str) -> None:
        """Do what waits, also after a failure: of one's own task it is raised at the end, of another logged."""
        failure: Exception | None = None
        try:
            while following := self._next():
                name, work = following
                try:
                    work()
                except Exception as error:
                    if name == own:
                        failure = error
                    else:
                        log.exception("a scheduled task failed", task=name)
        except BaseException:
            with self._mutex:
                self._busy = False
            raise
        if failure:
            raise failure

    def _next(self) -> tuple[str, Work] | None:
        with self._mutex:
            name = next(iter(self._waiting), None)
            self._busy = name is not None
            return None if name is None else (name, self._waiting.pop(name))

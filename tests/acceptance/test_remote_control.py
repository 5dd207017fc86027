"""Remote control of running workers: questions that somebody asks are answered, orders are refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.worker.control import Panel
from flower.inspector import Inspector

from ledger.announcements import announce, broker
from ledger.client import Ledger
from operations.worker_info import living_workers
from seven.events import QUEUES
from tests.factories.envelopes import Accept, envelope
from tests.processes import ROOT, Process, dispatcher, running, worker
from tests.servers import PATIENCE_S, eventually
from workers.remote_control import USED

ORDERS = tuple(sorted(Panel.data.keys() - USED))
"""Everything else that this version of Celery knows; this process restricts nothing."""


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


@pytest.fixture
def processes(tmp_path: Path, redis_url: str, database_url: str) -> Iterator[tuple[Process, Process]]:
    """A worker and a dispatcher."""
    reactions = tmp_path / "reactions.toml"
    reactions.write_text("")
    environment = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off"}
    both = (worker(tmp_path, environment), dispatcher(tmp_path, environment | {"SEVEN_REACTIONS_FILE": str(reactions)}))
    with running(*both):
        eventually(lambda: len(living_workers(redis_url)) == len(both))
        yield both


def replies(app: Celery, command: str, **arguments: Any) -> dict[str, Any]:
    """What each worker replies to a command."""
    answers = app.control.broadcast(command, arguments=arguments, reply=True, timeout=PATIENCE_S, limit=2)
    return {name: reply for answer in answers for name, reply in answer.items()}


def test_orders_are_refused(
    processes: tuple[Process, Process], redis_url: str, ledger: Ledger, accept: Accept, tmp_path: Path
):
    """No worker ends, leaves a queue or changes its pool; each says that the command is off, and goes on working."""
    assert {"shutdown", "pool_shrink", "pool_restart", "cancel_consumer", "rate_limit", "revoke", "terminate"} <= set(
        ORDERS
    )
    with Celery(set_as_current=False, changes=broker(redis_url)) as app:
        for order in ORDERS:
            answers = replies(app, order, queue="dlr", n=1, task_id="1", msg="x")
            assert set(answers) == {"worker@test", "dispatcher@test"}, order
            assert all(f"{order} is off" in answer["error"] for answer in answers.values()), answers
        app.control.shutdown()  # asks for no reply
        for process in processes:
            eventually(lambda process=process: process.log.read_text().count("command=shutdown") == 2)
        assert not has_ended(processes)
        announce(app, "dlr", [accept(envelope("after all orders"))])
        eventually(lambda: ledger.redis.hlen("seven:batches") == 0)


def test_celery_control_shutdown_says_that_it_is_off(processes: tuple[Process, Process], redis_url: str):
    """Celery's own command line prints the refusal, and every process lives."""

    def shutdown() -> str:
        command = [sys.executable, "-m", "celery", "-b", redis_url, "control", "--timeout", "3", "shutdown"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return run.stdout

    eventually(lambda: shutdown().count("shutdown is off") == len(processes))
    assert not has_ended(processes)


def test_questions_are_answered(processes: tuple[Process, Process], redis_url: str):
    """All that Flower's pages ask, a ping, and our own inspection."""
    assert processes
    assert set(Inspector.inspect_methods) <= USED
    with Celery(set_as_current=False, changes=broker(redis_url)) as app:
        for question in USED:
            assert not any("error" in (answer or {}) for answer in replies(app, question).values()), question
        consumed = {name: {queue["name"] for queue in of} for name, of in replies(app, "active_queues").items()}
    assert consumed == {"worker@test": {*QUEUES, "clock"}, "dispatcher@test": {"reactions"}}
    assert {info.name for info in living_workers(redis_url) if info.version} == set(consumed)


def has_ended(processes: tuple[Process, Process]) -> bool:
    """Whether one of the processes has ended."""
    return any(process.process is None or process.process.poll() is not None for process in processes)

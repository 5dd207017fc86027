"""Task events, which Flower shows: deliveries and rare tasks, not the tasks of every few seconds."""

from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.events import EventReceiver

from ledger.announcements import announce, broker
from ledger.client import Ledger
from tests.factories.envelopes import Accept, envelope
from tests.processes import beat, running, worker
from tests.servers import PATIENCE_S

QUIET = {"sweep", "mark"}


@pytest.mark.duration(8)
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_frequent_tasks_send_no_events(
    redis_url: str, database_url: str, ledger: Ledger, accept: Accept, tmp_path: Path
):
    """Sweep and mark run, and neither worker nor beat sends an event of them; consuming and audits are seen."""
    environment = {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_SWEEP_S": "1", "SEVEN_AUDIT_S": "1",
    }  # fmt: skip
    celery = Celery("test", set_as_current=False, changes=broker(redis_url))
    events: list[dict[str, Any]] = []
    with celery.connection_for_read() as connection:
        receiver = EventReceiver(connection, handlers={"*": events.append}, app=celery)
        capture = receiver.itercapture(limit=None, timeout=PATIENCE_S, wakeup=False)
        next(capture)
        with running(worker(tmp_path, environment), beat(tmp_path, environment)):
            announce(celery, "dlr", [accept(envelope("a"))])
            while not enough(events, ledger):
                next(capture)

    names = {event["name"] for event in events if event["type"] == "task-received"}
    assert {"consume.dlr", "audit"} <= names
    assert not names & QUIET
    uuids = {event["uuid"] for event in events if event["type"] == "task-received"}
    assert {event["uuid"] for event in events if event["type"].startswith("task-")} == uuids


def enough(events: list[dict[str, Any]], ledger: Ledger) -> bool:
    """Whether three audits have been seen, sweep and mark have been sent, and nothing waits."""
    ended = [event for event in events if event["type"] == "task-succeeded"]
    seen = {event["uuid"]: event["name"] for event in events if event["type"] == "task-received"}
    audits = [event for event in ended if seen.get(event["uuid"]) == "audit"]
    sent = {task.decode() for task in ledger.redis.hkeys("seven:beats:sent")}
    return len(audits) >= 3 and "consume.dlr" in seen.values() and sent >= QUIET

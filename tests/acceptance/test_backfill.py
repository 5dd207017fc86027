"""The clock and the command repair the same outage at once, while the worker is killed: real processes, one result."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import Engine

from gateway.factory import Account
from ledger import keyspace
from ledger.announcements import CLOCK, broker
from ledger.client import Ledger
from seven.events import QUEUES
from tests.cli.installation import CommandLine
from tests.extent import thorough
from tests.factories.envelopes import Accept
from tests.factories.outage import assert_as_played, counted, outage
from tests.gateway.journal_stub import JournalStub, journal_stub
from tests.operations.journal_passes import states, watched
from tests.processes import beat, running, worker
from tests.servers import eventually
from workers.consumer import Consumer

KEY = "a-secret-api-key"


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@thorough
def test_command_and_clock_at_once(
    tmp_path: Path, redis_url: str, database_url: str, stub: JournalStub, engine: Engine, ledger: Ledger,
    consumer: Consumer, accept: Accept,
):  # fmt: skip
    """Killed in its first pass, the worker does the rest in the next; what the command fetched is counted, too."""
    played = outage(13, 400, share=0.6)
    stub.lists |= played.lists
    played.consume(consumer, accept)
    watched(engine, account=Account(stub.url, KEY).identity)
    settings = {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_API_URL": stub.url, "SEVEN_API_KEY": KEY,
        "SEVEN_JOURNAL_RATE": "50", "SEVEN_BACKFILL_MODE": "apply", "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10",
    }  # fmt: skip
    celery = Celery("seven-ingest", changes=broker(redis_url))
    process, answered = worker(tmp_path, settings), [0]

    def kill(_: dict[str, str], page: list[Any]) -> list[Any]:
        answered[0] += 1
        if answered[0] == 3:
            process.send(signal.SIGKILL)
        return page

    def look() -> None:
        ledger.redis.delete(*ledger.redis.keys("seven:journal:*:claim"), keyspace.JOURNAL_LOCK)  # as later
        celery.send_task("journal", queue=CLOCK)

    with running(process, beat(tmp_path, settings)):
        stub.answer = kill
        celery.send_task("journal", queue=CLOCK)
        eventually(lambda: answered[0] >= 3 and process.process and process.process.poll() is not None)
        stub.answer = lambda _, page: page
        process.start()
        look()
        result = CommandLine(tmp_path, **settings).run("backfill", "--since", "8d", "--yes")
        assert result.returncode == 0, result.stderr
        eventually(lambda: states(engine) == dict.fromkeys(played.missed, "missed"))
        eventually(lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()))
        process.wait_until_logged("journal read")
    assert counted(ledger) == Counter(event_type for event_type, _, _ in played.missed)
    assert_as_played(played, engine, ledger)

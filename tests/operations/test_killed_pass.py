"""A worker that is killed in the midst of a pass over the journal costs nothing, and nothing is counted twice."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.factory import Account
from ledger import keyspace
from ledger.client import Ledger
from seven.events import QUEUES
from tests.extent import thorough
from tests.factories.envelopes import Accept
from tests.factories.outage import Outage, assert_as_played, counted, outage
from tests.forks import Fork
from tests.gateway.journal_stub import JournalStub
from tests.operations.journal_passes import states, watched
from tests.operations.killed_pass import POINTS
from tests.processes import ROOT, Process
from tests.servers import PATIENCE_S
from workers.consumer import Consumer

KEY = "a-secret-api-key"


@pytest.fixture
def played(stub: JournalStub, engine: Engine, consumer: Consumer, accept: Accept) -> Outage:
    """Two in five webhooks never came, under the eyes of a hook of ours."""
    played = outage(11, 60, share=0.4)
    stub.lists |= played.lists
    played.consume(consumer, accept)
    watched(engine, account=Account(stub.url, KEY).identity)
    return played


RunPass = Callable[..., int]
"""Makes a pass in a process of its own, killed at a point; returns the exit code."""


@pytest.fixture
def start(
    stub: JournalStub, redis_url: str, database_url: str, tmp_path: Path, ledger: Ledger
) -> Iterator[Callable[[str], Fork]]:
    """Starts a pass; a lease that a killed one has left is over."""
    process = Process("pass", tmp_path, [], {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_API_URL": stub.url, "SEVEN_API_KEY": KEY,
        "SEVEN_BACKFILL_MODE": "apply",
    })  # fmt: skip
    started: list[Fork] = []

    def begin(point: str) -> Fork:
        with process.log.open("ab") as output:
            started.append(Fork(["tests.operations.killed_pass", point], ROOT, process.environment, output.fileno()))
        return started[-1]

    yield begin
    for each in started:
        each.kill()


def consume_pending(consumer: Consumer, ledger: Ledger) -> None:
    for queue in QUEUES:
        consumer.consume(queue, [each.decode() for each in ledger.redis.zrange(keyspace.pending(queue), 0, -1)])


def assert_all_is_well(played: Outage, engine: Engine, ledger: Ledger) -> None:
    """Each record as played, the audit good, and the meter exact."""
    assert_as_played(played, engine, ledger)
    assert states(engine) == dict.fromkeys(played.missed, "missed")
    assert counted(ledger) == Counter(event_type for event_type, _, _ in played.missed)


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=() if point in ("before counting", "offered") else thorough) for point in POINTS],
)
def test_a_killed_pass(
    point: str, played: Outage, start: Callable[[str], Fork], engine: Engine, ledger: Ledger, consumer: Consumer
):
    """The next one does the rest, wherever it was killed; the one after that finds nothing."""
    assert start(point).wait(PATIENCE_S) == -signal.SIGKILL
    ledger.redis.delete(keyspace.JOURNAL_LOCK)  # as half a minute later
    consume_pending(consumer, ledger)
    for _ in range(2):
        assert start("end").wait(PATIENCE_S) == 0
        consume_pending(consumer, ledger)
    assert_all_is_well(played, engine, ledger)


def test_two_at_once(played: Outage, start: Callable[[str], Fork], engine: Engine, ledger: Ledger, consumer: Consumer):
    """Of two workers one waits for the other; what both find is counted once."""
    for process in [start("end"), start("end")]:
        assert process.wait(PATIENCE_S) == 0
    consume_pending(consumer, ledger)
    assert_all_is_well(played, engine, ledger)

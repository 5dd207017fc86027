"""Repair: after a run, a backfill fetches the webhooks that were dropped from the gateway's journal, and is killed once.

The journal has all that the workload has drawn; the meter must count, and the backfill repair, exactly the messages and
calls whose last webhook was dropped.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import Engine, select

from gateway.api import Api
from gateway.factory import Account
from gateway.journal_client import JournalClient
from ledger import keyspace
from operations.backfill import JournalOffer
from operations.journal_pass import JournalPass, PassOptions
from operations.journal_presence import key_of
from operations.journal_state import JournalStates
from seven.journal import JOURNAL
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from store.schema import deliveries
from tests.chaos.cluster import Cluster
from tests.chaos.workload import Played
from tests.gateway.journal_stub import JournalStub, journal_stub
from tests.operations.journal_passes import states, watched
from tests.processes import ROOT
from tests.servers import eventually

KEY = "a-secret-api-key"
LONGEST_S = 600.0
COMMAND = [str(Path(sys.executable).with_name("seven-ingest")), "backfill", "--since", "8d", "--yes"]


@dataclass(frozen=True, slots=True)
class Repair:
    """What the meter has counted, and the backfill repaired."""

    expected: int
    """Messages and calls whose last webhook was dropped."""
    repairable: int
    """Those of which the journal tells what is not known here."""
    missed: int
    """By the meter."""
    wrong: int
    """Those that the meter counts and were not dropped, and the other way round."""
    counted: int
    """By the metric."""
    repaired: int
    """Messages and calls of which a delivery came from the journal."""
    offered: int
    """Deliveries from the journal: of what was offered before the kill and not yet consumed, there are two."""
    requests: int
    """By the pass that counts."""
    took_s: float
    """Of the backfill, the killed one included, until all was consumed."""

    @property
    def findings(self) -> list[str]:
        """Sentences for what is wrong."""
        table = (
            (self.wrong, f"{self.wrong} webhooks are missed and were not dropped, or the other way round"),
            (self.counted != self.expected, f"the metric counts {self.counted} missed, {self.expected} were"),
            (self.repaired != self.repairable, f"{self.repaired} were repaired of {self.repairable}"),
        )
        return [words for wrong, words in table if wrong]


def repair(cluster: Cluster, played: Played, kill_worker: Callable[[], None], settle: Callable[[], None]) -> Repair:
    """Backfill what was dropped, and count it. `settle` waits until nothing is pending."""
    with journal_stub() as stub:
        stub.lists |= {name: [*rows] for name, rows in played.lists.items()}
        account = Account(stub.url, KEY)
        watched(cluster.engine, account=account.identity)
        began = time.monotonic()
        _backfill(cluster, stub, kill_worker)
        settle()
        took_s = time.monotonic() - began
        requests = [_count(cluster, account) for _ in range(2)]
    expected = {key_of(row) for row in played.missed}
    by_state = states(cluster.engine)
    missed = {key for key, state in by_state.items() if state == "missed"}
    counts = cluster.ledger.redis.hvals(keyspace.JOURNAL_MISSED)
    fetched = _fetched(cluster.engine)
    return Repair(
        expected=len(expected),
        repairable=len({key_of(row) for row in played.repaired}),
        missed=len(missed),
        wrong=len(expected ^ missed) + len(by_state.keys() - missed),
        counted=sum(map(int, counts)),
        repaired=len(set(fetched)),
        offered=len(fetched),
        requests=requests[0],
        took_s=took_s,
    )


def _backfill(cluster: Cluster, stub: JournalStub, kill_worker: Callable[[], None]) -> None:
    """Run the command, killed once and run again, while a worker is killed."""
    environment = {
        **cluster.environment, "PATH": "/usr/bin:/bin", "SEVEN_API_URL": stub.url, "SEVEN_API_KEY": KEY,
        "SEVEN_JOURNAL_RATE": "50", "SEVEN_SWEEP_LIMIT": "2",
    }  # fmt: skip
    log = cluster.directory / "backfill.log"
    with log.open("ab") as output:
        first = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            eventually(lambda: first.poll() is not None or _has_offered(cluster), LONGEST_S)
        finally:
            first.kill()
            first.wait()
        kill_worker()
        subprocess.run(COMMAND, cwd=ROOT, env=environment, stdout=output, stderr=output, check=True, timeout=LONGEST_S)


def _has_offered(cluster: Cluster) -> bool:
    try:
        return bool(cluster.ledger.redis.hlen(keyspace.BATCHES)) or bool(_fetched(cluster.engine))
    except RedisError:
        return False


def _fetched(engine: Engine) -> list[tuple[Any, ...]]:
    """The record of each delivery that came from the journal."""
    c = deliveries.c
    with engine.connect().execution_options(reads=True) as connection:
        query = select(c.event_type, c.subject).where(c.request_method == JOURNAL)
        return [tuple(row) for row in connection.execute(query)]


def _count(cluster: Cluster, account: Account) -> int:
    """Make a pass that reports; returns the number of its requests."""
    ledger = cluster.ledger
    offer = JournalOffer(ledger, lambda _queue, _ids: None, 0, 0)
    with Api(account.api_url, KEY) as api:
        client, journal_states = JournalClient(api, 10_000), JournalStates(ledger.redis, account.identity)
        journal = JournalPass(ledger, Store(cluster.engine), client, journal_states, offer)
        return journal.run(
            PassOptions(8, applies=False, projection=DEFAULT_OPTIONS), lambda: None, lambda _: None
        ).requests

"""A weekend without webhooks, and a Redis that lost its disk: the journal brings all of it, and the meter is exact."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine

from emulator.scenarios import scenario
from gateway.factory import Account
from ledger import keyspace
from ledger.announcements import CLOCK, broker
from ledger.client import Ledger
from operations.audit import Auditor
from operations.journal_state import JournalStates
from seven.events import QUEUES
from seven.journal import JOURNALED
from tests.acceptance.weekend import KEY, LONGEST_S, EmulatedGateway, deliver, measure, peak_mib
from tests.conftest import TOKEN
from tests.extent import size, sized, thorough
from tests.factories.outage import Outage, assert_as_played, counted
from tests.operations.journal_passes import states, watched
from tests.processes import Receiver, beat, running, worker
from tests.servers import eventually, valkey

MESSAGES = size(400, 50_000)
SEED = 20260301
LOST = size(30, 1_000)
"""Deliveries that were accepted, and lost with Redis' disk."""


@thorough
@sized
@pytest.mark.timeout(2400)
def test_a_weekend(tmp_path: Path, engine: Engine, database_url: str, dialect: str, capsys: pytest.CaptureFixture[str]):
    """Hooks are off for two days, and Redis loses its disk: every message and call stands as played."""
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=4)
    weekend = (ended - timedelta(hours=68), ended - timedelta(hours=20))
    listed = (*JOURNALED, "rcs")  # in the lists of SMS, but its receipts are in none: all of them come
    played = [event for event in scenario(SEED, now=ended, messages=MESSAGES) if event.event_type in listed]
    off = [event for event in played if weekend[0] <= event.occurred_at < weekend[1] and event.event_type in JOURNALED]
    lost = [event for event in played if event.occurred_at >= weekend[1] and event.event_type in JOURNALED][-LOST:]
    outage = Outage(played, frozenset(map(id, off + lost)))
    (tmp_path / "valkey").mkdir()
    gateway = EmulatedGateway(tmp_path)
    with running(gateway), valkey(tmp_path / "valkey") as server:
        gateway.play(SEED, MESSAGES, ended)
        settings = {
            "REDIS_URL": server.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_SWEEP_S": "1",
            "SEVEN_OVERDUE_S": "10",
        }  # fmt: skip
        api = {
            "SEVEN_API_URL": gateway.api_url, "SEVEN_API_KEY": KEY, "SEVEN_JOURNAL_RATE": "50",
            "SEVEN_BACKFILL_MODE": "apply",
        }  # fmt: skip
        watched(engine, account=Account(gateway.api_url, KEY).identity)
        receiver, consumer, ledger = Receiver(tmp_path, settings), worker(tmp_path, settings), Ledger(server.url)

        def is_settled() -> bool:
            return not any(queue.pending for queue in ledger.figures(QUEUES).queues.values())

        with running(receiver, consumer, beat(tmp_path, settings)):
            deliver(receiver, outage.came)
            eventually(is_settled, LONGEST_S)
            consumer.end()
            deliver(receiver, lost)
            Auditor(ledger, engine).mark()
            server.kill()
            shutil.rmtree(server.directory)
            server.directory.mkdir()
            server.start()

            consumer.environment |= api
            consumer.start()
            audit = measure(settings, tmp_path, "audit", "--acknowledge")
            assert (audit.code, audit.answer["missing"]) == (1, LOST)
            assert measure(settings, tmp_path, "audit").code == 0
            done = measure(settings | api, tmp_path, "backfill", "--since", "8d", "--yes")
            assert (done.code, done.answer["lacking"], done.answer["offered"]) == (0, *[len(outage.missed)] * 2)
            eventually(is_settled, LONGEST_S)
            assert measure(settings, tmp_path, "audit").code == 0
            assert_as_played(outage, engine, ledger)

            journal = JournalStates(ledger.redis, Account(gateway.api_url, KEY).identity)
            if journal.load().ended_ms is None:
                Celery("seven-ingest", changes=broker(server.url)).send_task("journal", queue=CLOCK)
            eventually(lambda: journal.load().ended_ms is not None, LONGEST_S)
            assert states(engine) == dict.fromkeys(outage.missed, "missed")
            assert sum(counted(ledger).values()) == len(outage.missed)
            assert ledger.redis.exists(keyspace.JOURNAL_MISSED_BEGUN) == 0
            peak = peak_mib(consumer.process.pid) if consumer.process else 0
        with capsys.disabled():
            print(
                f"\n{dialect}: {MESSAGES} messages, {len(outage.events)} webhooks, {len(outage.dropped)} never came, "
                f"{len(outage.missed)} last ones missed and fetched; backfill: {done.answer['requests']} requests, "
                f"{done.seconds:.0f} s, {done.mib} MiB; pass: {journal.load().requests} requests; worker: {peak} MiB"
            )
        ledger.close()

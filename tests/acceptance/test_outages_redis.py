"""Outages of Redis, of every kind: the receiver never answers 202 in vain, workers recover, and nothing is lost."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import func, select

from ledger.announcements import announce, broker
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from store.engine import create_store_engine
from store.migrate import migrate
from store.schema import dead_letters, deliveries
from tests.acceptance.redis_outages import Outage, Supervisor, full, hanging, killed, loading, read_only
from tests.conftest import TOKEN
from tests.extent import size, sized
from tests.processes import Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, valkey

# The deadline is 2 s and the gateway gives up after 5, but test machines may be slow.
IN_TIME_S = PATIENCE_S  # some seconds on the slowest machine; without a deadline it would never end
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DELIVERY = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey"), "--maxmemory", "256mb") as server:
        yield server


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, server: Valkey) -> Iterator[Receiver]:
    """One receiver for all outages, never restarted."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), {"REDIS_URL": server.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        yield receiver


def deliver(receiver: Receiver) -> httpx2.Response:
    return httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY, timeout=PATIENCE_S)


def ready(receiver: Receiver) -> int:
    return httpx2.get(f"{receiver.url}/readyz").status_code


def ordinals_given_out(server: Valkey) -> int:
    with server.client() as client:
        return int(client.hget("seven:ordinals", "dlr") or 0)


@pytest.mark.parametrize(
    "outage",
    [
        pytest.param(full, id="full"),
        pytest.param(read_only, id="read-only"),
        pytest.param(loading, id="loading"),
    ],
)
def test_the_receiver_refuses_in_time_and_recovers(receiver: Receiver, server: Valkey, outage: Outage):
    """During an outage it is not ready and answers 503 with Retry-After in time; then 202 again without a restart."""
    eventually(lambda: ready(receiver) == 200)
    assert deliver(receiver).status_code == 202
    accepted = ordinals_given_out(server)
    with outage(server):
        eventually(lambda: ready(receiver) == 503)
        began = time.monotonic()
        with ThreadPoolExecutor(10) as senders:
            answers = list(senders.map(lambda _: deliver(receiver), range(10)))
        assert time.monotonic() - began < IN_TIME_S
        assert {(answer.status_code, "retry-after" in answer.headers) for answer in answers} == {(503, True)}
        assert httpx2.get(f"{receiver.url}/livez").status_code == 200
    eventually(lambda: deliver(receiver).status_code == 202)
    eventually(lambda: ready(receiver) == 200)
    assert ordinals_given_out(server) >= accepted + 1


def test_a_new_life_of_the_ledger_is_logged(receiver: Receiver, server: Valkey):
    """After Redis restarts without its files, deliveries are accepted again, and one log line reports the new life."""
    assert deliver(receiver).status_code == 202
    with server.client() as client:
        before = client.hget("seven:ledger", "life").decode()
    server.kill()
    for path in server.directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert deliver(receiver).status_code == 503
    server.start()
    eventually(lambda: deliver(receiver).status_code == 202)
    assert deliver(receiver).status_code == 202
    with server.client() as client:
        life = client.hget("seven:ledger", "life").decode()
    assert life != before
    entries = [line for line in receiver.log.read_text().splitlines() if "a new life" in line]
    assert len(entries) == 1
    assert f"CRITICAL seven.ingest the ledger has a new life: its pending batches are gone life={life}" in entries[0]
    assert before in entries[0]


class Publisher:
    """Writes batches to the ledger and announces them, as the receiver does."""

    def __init__(self, url: str) -> None:
        self._url, self._ledger, self.published = url, Ledger(url), 0
        self._celery = Celery("test", set_as_current=False, changes=broker(url))

    def publish(self, batches: int) -> list[str]:
        """Publish batches of two deliveries; return their ids."""
        ids = [f"b{self.published + n}" for n in range(batches)]
        self.published += batches

        async def run() -> None:
            lines = {
                id_: [Envelope(f"{id_}-{i}", "dlr", NOW, "JSON", DELIVERY).line() for i in range(2)] for id_ in ids
            }
            async with LedgerWriter(self._url, PATIENCE_S) as writer:
                answers = await writer.accept([NewBatch(id_, "dlr", lines[id_], frozenset()) for id_ in ids])
                assert all(isinstance(answer, Header) for answer in answers)

        asyncio.run(run())
        for id_ in ids:
            with suppress(OperationalError):  # the sweep announces it
                announce(self._celery, "dlr", [id_])
        return ids

    def is_pending(self, ids: list[str]) -> bool:
        """Whether any of these batches is still in the ledger, or Redis does not answer."""
        try:
            return bool(self._ledger.existing(ids))
        except RedisError:
            return True

    def close(self) -> None:
        self._ledger.close()
        self._celery.close()


@pytest.mark.duration(50)
@sized
def test_workers_and_beat_recover(tmp_path: Path):
    """After each outage they have survived or are restarted, and every accepted delivery is applied."""
    outages = ((killed, 2), (hanging, 15), (full, 2), (read_only, 2), (loading, 0))
    url = f"sqlite:///{tmp_path / 'seven.db'}"
    engine = create_store_engine(url)
    migrate(engine)
    with valkey(tmp_path, "--maxmemory", "256mb") as server:
        environment = {"REDIS_URL": server.url, "DATABASE_URL": url, "SEVEN_METRICS_ADDRESS": "off"}
        environment |= {"SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10"}
        publisher = Publisher(server.url)
        processes = (worker(tmp_path, environment), beat(tmp_path, environment))
        during: list[str] = []
        with running(*processes), Supervisor(*processes):
            for outage, lasts_s in outages:
                before = publisher.publish(10)
                eventually(lambda ids=before: not publisher.is_pending(ids), 90)
                during += publisher.publish(size(60, 200))  # the outage begins while they are consumed
                with outage(server):
                    over = time.monotonic() + lasts_s
                    eventually(lambda end=over: time.monotonic() > end, lasts_s + 10)
            during += publisher.publish(10)
            eventually(lambda: not publisher.is_pending(during), 90)
        publisher.close()
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar() == 2 * publisher.published
        assert connection.execute(select(func.count()).select_from(dead_letters)).scalar() == 0
    engine.dispose()

"""Redis away, in every way it can be: the receiver never says 202 for nothing, workers come back, nothing is lost."""

import asyncio
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import BusyLoadingError, RedisError
from sqlalchemy import func, select

from ledger.announcements import announce, broker
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from store.engine import create_store_engine
from store.migrate import migrate
from store.schema import dead_letters, deliveries
from tests.conftest import TOKEN
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port, valkey

# The deadline is 2 s, the gateway gives up after 5, and the machines that test are slow at times.
IN_TIME_S = PATIENCE_S  # bounded by seconds, on the slowest machine; unbounded it would be for ever
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DELIVERY = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}


@contextmanager
def full(server: Valkey) -> Iterator[None]:
    with server.client() as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "500kb")  # less than it uses when empty
        try:
            yield
        finally:
            client.config_set("maxmemory", before)


@contextmanager
def read_only(server: Valkey) -> Iterator[None]:
    """A replica of a server that is dead."""
    with server.client() as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextmanager
def loading(server: Valkey) -> Iterator[None]:
    """Killed, and started on a file that it does not get through before the block has ended."""
    with server.client() as client:
        client.bgrewriteaof()
        eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
        pipeline = client.pipeline(transaction=False)
        for _ in range(40_000):
            pipeline.set("padding", "x")
        pipeline.execute()
    server.kill()
    options = server.options
    server.options = (*options, "--key-load-delay", "400")  # microseconds for each command in the file
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        eventually(lambda: said(server) == "loading", every_s=0.005)
        yield
    finally:
        with server.client() as client:
            client.config_set("key-load-delay", 0)
        starting.join()
        server.options = options


@contextmanager
def killed(server: Valkey) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def hanging(server: Valkey) -> Iterator[None]:
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)


def said(server: Valkey) -> str:
    """What the server says to a ping, in a word."""
    try:
        with server.client() as client:
            return str(client.ping())
    except BusyLoadingError:
        return "loading"
    except RedisError:
        return "nothing"


Outage = Callable[[Valkey], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey"), "--maxmemory", "256mb") as server:
        yield server


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, server: Valkey) -> Iterator[Receiver]:
    """One receiver for all outages: it is never started again."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), {"REDIS_URL": server.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        yield receiver


def deliver(receiver: Receiver) -> httpx2.Response:
    return httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY, timeout=PATIENCE_S)


def ready(receiver: Receiver) -> int:
    return httpx2.get(f"{receiver.url}/readyz").status_code


def given_out(server: Valkey) -> int:
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
def test_the_receiver_refuses_in_time_and_goes_on_by_itself(receiver: Receiver, server: Valkey, outage: Outage):
    """503 with Retry-After within a bound, not ready, never a 202; then 202 again without a restart."""
    eventually(lambda: ready(receiver) == 200)
    assert deliver(receiver).status_code == 202
    accepted = given_out(server)
    with outage(server):
        eventually(lambda: ready(receiver) == 503)
        began = time.monotonic()
        with ThreadPoolExecutor(10) as senders:
            answers = list(senders.map(lambda _: deliver(receiver), range(10)))
        assert time.monotonic() - began < IN_TIME_S
        assert {(one.status_code, "retry-after" in one.headers) for one in answers} == {(503, True)}
        assert httpx2.get(f"{receiver.url}/livez").status_code == 200
    eventually(lambda: deliver(receiver).status_code == 202)
    eventually(lambda: ready(receiver) == 200)
    assert given_out(server) >= accepted + 1


def test_a_ledger_that_begins_anew_is_told(receiver: Receiver, server: Valkey):
    """Redis comes back without its files: deliveries are accepted again, and one line says that a life has ended."""
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
    told = [line for line in receiver.log.read_text().splitlines() if "a new life" in line]
    assert len(told) == 1
    assert f"CRITICAL seven.ingest the ledger has a new life: what was pending is gone life={life}" in told[0]
    assert before in told[0]


class Supervisor:
    """Starts processes again when they have ended, as Docker or systemd would, until it is told to stop."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for one in self._processes:
                if one.process and one.process.poll() is not None:
                    one.start()


class Teller:
    """Puts batches into the ledger and announces them, as the receiver does."""

    def __init__(self, url: str) -> None:
        self._url, self._ledger, self.told = url, Ledger(url), 0
        self._celery = Celery("test", set_as_current=False, changes=broker(url))

    def tell(self, batches: int) -> list[str]:
        """Accept so many batches of two deliveries; returns their ids."""
        ids = [f"b{self.told + one}" for one in range(batches)]
        self.told += batches

        async def run() -> None:
            lines = {
                one: [Envelope(f"{one}-{i}", "dlr", NOW, "JSON", DELIVERY).line() for i in range(2)] for one in ids
            }
            async with LedgerWriter(self._url, PATIENCE_S) as acceptor:
                answers = await acceptor.accept([NewBatch(one, "dlr", lines[one], frozenset()) for one in ids])
                assert all(isinstance(answer, Header) for answer in answers)

        asyncio.run(run())
        for one in ids:
            with suppress(OperationalError):  # the sweep announces it
                announce(self._celery, "dlr", [one])
        return ids

    def waits(self, ids: list[str]) -> bool:
        """Whether any of these batches is still in the ledger, as far as that can be told."""
        try:
            return bool(self._ledger.still_there(ids))
        except RedisError:
            return True

    def close(self) -> None:
        self._ledger.close()
        self._celery.close()


@pytest.mark.duration(50)
def test_workers_and_beat_come_back(tmp_path: Path):
    """One outage after the other: they survive, or end and are started again, and all that was accepted is applied."""
    outages = ((killed, 2), (hanging, 15), (full, 2), (read_only, 2), (loading, 0))
    url = f"sqlite:///{tmp_path / 'seven.db'}"
    engine = create_store_engine(url)
    migrate(engine)
    with valkey(tmp_path, "--maxmemory", "256mb") as server:
        environment = {"REDIS_URL": server.url, "DATABASE_URL": url, "SEVEN_METRICS_ADDRESS": "off"}
        environment |= {"SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10"}
        teller = Teller(server.url)
        processes = (worker(tmp_path, environment), beat(tmp_path, environment))
        told: list[str] = []
        with running(*processes), Supervisor(*processes):
            for outage, lasts_s in outages:
                now = teller.tell(10)
                eventually(lambda ids=now: not teller.waits(ids), 90)
                told += teller.tell(200)  # and in the midst of them
                with outage(server):
                    over = time.monotonic() + lasts_s
                    eventually(lambda end=over: time.monotonic() > end, lasts_s + 10)
            told += teller.tell(10)
            eventually(lambda: not teller.waits(told), 90)
        teller.close()
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar() == 2 * teller.told
        assert connection.execute(select(func.count()).select_from(dead_letters)).scalar() == 0
    engine.dispose()

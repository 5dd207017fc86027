"""SIGTERM under full load: processes end in order and leave nothing behind; a second signal ends them at once."""

import asyncio
import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from ledger.client import Ledger
from seven.events import QUEUES
from store.engine import create_store_engine
from store.migrate import migrate
from tests.conftest import TOKEN
from tests.extent import thorough_on_sqlite
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, valkey

DELIVERY = json.dumps({"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path, "--maxmemory", "256mb") as server:
        yield server


@contextmanager
def load(receiver: Receiver) -> Iterator[None]:
    """Sends deliveries from a thread during the block, each as soon as the last is answered."""
    over = threading.Event()

    async def line(client: httpx2.AsyncClient) -> None:
        while not over.is_set():
            await client.post(f"{receiver.url}/hooks/{TOKEN}", content=DELIVERY)

    async def run() -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client, asyncio.TaskGroup() as lines:
            for _ in range(16):
                lines.create_task(line(client))

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def signal_again(process: Process) -> int | None:
    """Send SIGTERM once more; return the exit code, or None while the process runs."""
    assert process.process
    if process.process.poll() is None:
        process.send(signal.SIGTERM)
    return process.process.poll()


@pytest.mark.duration(6)
@thorough_on_sqlite
def test_a_worker_under_load_leaves_nothing_behind(tmp_path: Path, broker: Valkey, database_url: str):
    """It ends in time and returns reserved announcements to their queue, so none waits for a timeout."""
    environment = {"REDIS_URL": broker.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN}
    receiver, first, second = (
        Receiver(tmp_path, environment), worker(tmp_path, environment), worker(tmp_path, environment, "second")
    )  # fmt: skip
    with running(receiver, first), broker.client() as client:
        with load(receiver):
            eventually(lambda: first.log.read_text().count("consumed queue=") > 20, 60)
            assert first.end() == 0
            assert client.hlen("unacked") == 0
        second.start()
        ledger = Ledger(broker.url)
        # no sweep runs here: every batch is announced
        eventually(lambda: not any(queue.pending for queue in ledger.figures(QUEUES).queues.values()), 60)
        ledger.close()
        assert second.end() == 0


def test_a_second_signal_ends_a_worker_at_once(tmp_path: Path, broker: Valkey):
    """A worker that waits for its database exits at the second signal, and its batch stays in the ledger."""
    file = tmp_path / "seven.db"
    environment = {"REDIS_URL": broker.url, "DATABASE_URL": f"sqlite:///{file}", "SEVEN_HOOK_TOKEN": TOKEN}
    engine = create_store_engine(environment["DATABASE_URL"])
    migrate(engine)
    engine.dispose()
    receiver, process = Receiver(tmp_path, environment), worker(tmp_path, environment)
    with running(receiver, process):
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            httpx2.post(f"{receiver.url}/hooks/{TOKEN}", content=DELIVERY)
            with broker.client() as client:
                eventually(lambda: client.hlen("seven:in_hand") == 1, 60)
                process.send(signal.SIGTERM)
                eventually(lambda: "Warm shutdown" in process.log.read_text())
                eventually(lambda: signal_again(process) is not None)
                assert process.end(signal.SIGTERM) == 128 + signal.SIGTERM
                assert client.hlen("seven:batches") == 1
        assert "second signal" in process.log.read_text()


@pytest.mark.duration(14)
@pytest.mark.parametrize("dialect", ["sqlite"])  # beat uses no database
def test_beat_ends_while_its_broker_hangs(tmp_path: Path, broker: Valkey, database_url: str):
    """Beat ends within the broker's timeouts."""
    environment = {"REDIS_URL": broker.url, "DATABASE_URL": database_url, "SEVEN_SWEEP_S": "0.5"}
    process = beat(tmp_path, environment)
    with running(process), broker.client() as client:
        eventually(lambda: client.llen("clock") > 0, 60)
        assert process.end() == 0
        process.start()
        eventually(lambda: client.llen("clock") > 4, 60)
        broker.send(signal.SIGSTOP)
        process.end(within_s=60)
        broker.send(signal.SIGCONT)


def test_beat_ends_whatever_its_signal_interrupts(tmp_path: Path, broker: Valkey):
    """Celery ends beat with an exception, which Python ignores in a finalizer: a flag ends it then."""
    environment = {"REDIS_URL": broker.url, "SEVEN_SWEEP_S": "0.5"}
    process = beat(tmp_path, environment, through=("tests.acceptance.signal_in_finalizer",))
    with running(process):
        assert process.process
        assert process.process.wait(PATIENCE_S) == 0


def test_a_receiver_with_a_slow_sender_ends_in_time(tmp_path: Path, broker: Valkey):
    """A client that never finishes its request does not block the shutdown; a second signal ends it at once."""
    receiver = Receiver(tmp_path, {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver), socket.create_connection(("127.0.0.1", receiver.port)) as slow:
        slow.sendall(f"POST /hooks/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())
        assert httpx2.post(f"{receiver.url}/hooks/{TOKEN}", content=DELIVERY).status_code == 202
        receiver.send(signal.SIGTERM)
        eventually(lambda: "Shutting down" in receiver.log.read_text())
        eventually(lambda: signal_again(receiver) is not None)
        assert receiver.end(signal.SIGTERM) in {128 + signal.SIGTERM, -signal.SIGTERM}
        assert "did not drain in time" not in receiver.log.read_text()

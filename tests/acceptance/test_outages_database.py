"""Outages of the database, of every kind: batches are held, no delivery is dead, and afterwards all are applied."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from celery import Celery
from sqlalchemy import Engine, func, select, text

from ledger.announcements import BATCHES_PER_ANNOUNCEMENT, announce, broker
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from seven.events import QUEUES
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from store.schema import dead_letters, deliveries, messages
from tests.acceptance.database_outages import Database, Outage, dropped, full, hanging, locked, read_only, refused
from tests.processes import beat, running, worker
from tests.servers import PATIENCE_S, Postgres, eventually, free_port
from workers.consumer import Consumer
from workers.sweep import Sweep

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
IN_TIME_S = PATIENCE_S  # for a few attempts of some seconds each; without timeouts they would never end
PADDING = "x" * 30_000  # makes SQLite allocate new pages


def envelope(name: str) -> Envelope:
    fields = {"msg_id": f"m-{name}", "status": "DELIVERED", "timestamp": 1777600000, "padding": PADDING}
    return Envelope(name, "dlr", NOW, "JSON", {"webhook_event": "dlr", "data": fields})


def accept(url: str, *batches: NewBatch) -> None:
    async def run() -> None:
        async with LedgerWriter(url, PATIENCE_S) as writer:
            for start in range(0, len(batches), 50):
                answers = await writer.accept(batches[start : start + 50])
                assert all(isinstance(answer, Header) for answer in answers)

    asyncio.run(run())


def pending(ledger: Ledger) -> int:
    return sum(queue.pending for queue in ledger.figures(QUEUES).queues.values())


def count(engine: Engine, table: Any) -> int:
    with engine.connect().execution_options(reads=True) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


UNMIGRATED = "a table, column or index is missing; `seven-ingest migrate` makes it"


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    database = Database(postgres.database() if postgres else f"sqlite:///{tmp_path / 'seven.db'}", postgres, tmp_path)
    yield database
    database.engine.dispose()


@pytest.mark.parametrize(
    ("database", "outage", "reason"),
    [
        pytest.param(
            "postgresql", refused, "OperationalError ECONNREFUSED: nothing listens there", id="PostgreSQL stopped"
        ),
        pytest.param("postgresql", hanging, "ConnectionTimeout ETIMEDOUT: no answer in time", id="PostgreSQL hanging"),
        pytest.param(
            "postgresql", read_only, "ReadOnlySqlTransaction 25006: it is read-only", id="PostgreSQL read-only"
        ),
        pytest.param("postgresql", full, "DiskFull 53100: its disk is full", id="PostgreSQL with a full disk"),
        pytest.param(
            "postgresql", locked, "LockNotAvailable 55P03: another session holds a lock", id="PostgreSQL migrating"
        ),
        pytest.param("postgresql", dropped, f"UndefinedTable 42P01: {UNMIGRATED}", id="PostgreSQL without a table"),
        pytest.param(
            "sqlite", read_only, "OperationalError SQLITE_READONLY: the file is read-only", id="SQLite read-only"
        ),
        pytest.param("sqlite", full, "OperationalError SQLITE_FULL: the disk is full", id="SQLite with a full disk"),
        pytest.param(
            "sqlite",
            locked,
            "OperationalError SQLITE_BUSY: another process holds its lock",
            id="SQLite locked by another process",
        ),
        pytest.param("sqlite", dropped, f"OperationalError SQLITE_ERROR: {UNMIGRATED}", id="SQLite without a table"),
    ],
    indirect=["database"],
)
def test_an_outage_holds_batches_and_buries_none(
    database: Database, outage: Outage, reason: str, ledger: Ledger, redis_url: str
):
    """Consuming ends in time without an error, batches stay pending with the reason, and all are applied afterwards."""
    breaker = CircuitBreaker(0.0, 0.0)
    consumer = Consumer(ledger, Store(database.engine), breaker)
    batches = [NewBatch(f"b{n}", "dlr", [envelope(f"{n}-{i}").line() for i in range(3)], frozenset()) for n in range(4)]
    accept(redis_url, *batches)
    consumer.consume("dlr", ["b0"])  # opens a connection before the outage
    sweep = Sweep(ledger, consumer.consume, overdue_s=0, at_most=100)
    with outage(database):
        began = time.monotonic()
        for _ in range(2):
            assert sweep.run() == 3
        assert time.monotonic() - began < IN_TIME_S
        assert pending(ledger) == 3
        assert breaker.hold
        assert breaker.hold.reason == reason
    sweep.run()
    assert pending(ledger) == 0
    assert breaker.hold is None
    assert count(database.engine, dead_letters) == 0
    with database.engine.connect() as connection:
        assert connection.execute(select(deliveries.c.outcome, func.count()).group_by(deliveries.c.outcome)).all() == [
            ("applied", 12)
        ]
    assert count(database.engine, messages) == 12


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_deadlock_is_retried(database: Database, ledger: Ledger, redis_url: str):
    """Another session locks the same rows in reverse order: the batch is applied at once, neither held nor dead."""
    breaker = CircuitBreaker(0.0, 0.0)
    consumer = Consumer(ledger, Store(database.engine), breaker)
    accept(
        redis_url,
        *(NewBatch(name, "dlr", [envelope(letter).line() for letter in "ab"], frozenset()) for name in ("b0", "b1")),
    )
    consumer.consume("dlr", ["b0"])
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE seven.messages SET rank = NULL, final = NULL, status_at = NULL"))
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def waits() -> bool:
        with watch.connect() as connection:
            return bool(connection.execute(waiting).scalar())

    watch = create_store_engine(database.url)
    patient = Consumer(
        ledger, Store(watch), breaker
    )  # waits for locks longer than the server needs to detect a deadlock
    with psycopg.connect(database.url) as other:
        other.execute("SET deadlock_timeout = '10s'")  # so that the server cancels the writer
        other.execute("UPDATE seven.messages SET foreign_id = 'f' WHERE msg_id = 'm-b'")
        consuming = threading.Thread(target=patient.consume, args=("dlr", ["b1"]))
        consuming.start()
        eventually(waits)
        other.execute("UPDATE seven.messages SET foreign_id = 'f' WHERE msg_id = 'm-a'")
        other.commit()
        consuming.join()
    assert (pending(ledger), breaker.hold, count(watch, dead_letters)) == (0, None, 0)
    watch.dispose()


@pytest.mark.duration(10)
def test_a_worker_holds_through_an_outage_and_catches_up(
    tmp_path: Path, redis_url: str, ledger: Ledger, postgres: Postgres
):
    """A real worker logs the outage once, is not ready, uses no more memory, and applies everything afterwards."""
    url, port = postgres.database(), free_port()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    batches = [
        NewBatch(f"b{n}", "dlr", [envelope(f"{n}-{i}").line() for i in range(2)], frozenset()) for n in range(600)
    ]
    accept(redis_url, *batches)
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": url,
        "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}",
        "SEVEN_SWEEP_S": "1",
        "SEVEN_OVERDUE_S": "10",
    }
    consuming = worker(tmp_path, environment)
    celery = Celery("test", set_as_current=False, changes=broker(redis_url))

    def get(path: str) -> httpx2.Response:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S)
        except httpx2.TransportError:
            return httpx2.Response(0)

    def announce_all() -> None:
        for start in range(0, len(batches), BATCHES_PER_ANNOUNCEMENT):
            announce(celery, "dlr", [batch.id for batch in batches[start : start + BATCHES_PER_ANNOUNCEMENT]])
        eventually(lambda: not ledger.redis.llen("dlr"))

    with running(consuming):
        eventually(lambda: get("/readyz").status_code == 200, 40)
        assert get("/livez").json()["alive"]
        assert "seven_store_held 0.0" in get("/metrics").text
        assert get("/elsewhere").status_code == 404
        postgres.stop()
        try:
            announce_all()
            eventually(lambda: get("/readyz").status_code == 503)
            (reason,) = get("/readyz").json()["hindrances"]
            assert reason.startswith(
                "the database accepts no writes (OperationalError ECONNREFUSED: nothing listens there), "
            )
            metrics = get("/metrics").text
            assert "seven_store_held 1.0" in metrics
            assert "seven_store_held_since_timestamp_seconds" in metrics
            before = consuming.memory_kib
            for _ in range(20):
                announce_all()
            assert consuming.memory_kib < 1.2 * before
            assert pending(ledger) == 600
        finally:
            postgres.start()
        with running(beat(tmp_path, environment)):
            eventually(lambda: pending(ledger) == 0, 90)
        eventually(lambda: get("/readyz").status_code == 200)
    assert count(engine, deliveries) == 1200
    assert count(engine, dead_letters) == 0
    engine.dispose()
    log = consuming.log.read_text()
    assert (log.count("holding batches: the database"), log.count("the database is back")) == (1, 1)
    assert "Traceback" not in log

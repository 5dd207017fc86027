"""The database away, in every way it can be: what is accepted is held, nothing is dead, afterwards all is applied."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from celery import Celery
from sqlalchemy import Connection, Engine, event, func, select, text

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
from store.timeouts import Patience
from tests.processes import beat, running, worker
from tests.servers import PATIENCE_S, Postgres, eventually, free_port
from workers.consumer import Consumer
from workers.sweep import Sweep

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
IN_TIME_S = PATIENCE_S  # for a few attempts; each is bounded by seconds, and unbounded it would be for ever
PADDING = "x" * 30_000  # so that SQLite needs new pages for it


def envelope(name: str) -> Envelope:
    told = {"msg_id": f"m-{name}", "status": "DELIVERED", "timestamp": 1777600000, "padding": PADDING}
    return Envelope(name, "dlr", NOW, "JSON", {"webhook_event": "dlr", "data": told})


def accept(url: str, *batches: NewBatch) -> None:
    async def run() -> None:
        async with LedgerWriter(url, PATIENCE_S) as acceptor:
            for start in range(0, len(batches), 50):
                answers = await acceptor.accept(batches[start : start + 50])
                assert all(isinstance(answer, Header) for answer in answers)

    asyncio.run(run())


def pending(ledger: Ledger) -> int:
    return sum(one.pending for one in ledger.figures(QUEUES).queues.values())


def counted(engine: Engine, table: Any) -> int:
    with engine.connect().execution_options(reads=True) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


class Away:
    """A database that can be taken away: its engine, impatient, and what is done to each of its connections."""

    def __init__(self, url: str, postgres: Postgres | None, directory: Path) -> None:
        self.url, self.postgres, self.directory = url, postgres, directory
        self.pragmas: list[str] = []
        self.engine = create_store_engine(url, patience=Patience(statement_s=1.0, ping_s=0.5, connect_s=2))
        if postgres:
            event.listen(self.engine, "begin", self._begun)
        else:
            event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "checkout", self._checked_out)
        migrate(self.engine)

    def _connected(self, connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 300")

    def _begun(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '300ms'")

    def _checked_out(self, connection: Any, *_: Any) -> None:
        for pragma in self.pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def with_pragma(self, during: str, afterwards: str) -> Iterator[None]:
        self.pragmas = [during]
        yield
        self.pragmas = [afterwards]

    def administer(self, *statements: str) -> None:
        assert self.postgres
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def refused(away: Away) -> Iterator[None]:
    assert away.postgres
    away.postgres.stop()
    try:
        yield
    finally:
        away.postgres.start()


@contextmanager
def hanging(away: Away) -> Iterator[None]:
    assert away.postgres
    with away.postgres.paused():
        yield


@contextmanager
def read_only(away: Away) -> Iterator[None]:
    if not away.postgres:
        with away.with_pragma("query_only = on", "query_only = off"):
            yield
        return
    name = away.url.rsplit("/", 1)[1]
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    away.administer(f"ALTER DATABASE {name} SET default_transaction_read_only = on", end)
    yield
    away.administer(f"ALTER DATABASE {name} RESET default_transaction_read_only")  # and no connection is ended for it


@contextmanager
def full(away: Away) -> Iterator[None]:
    if not away.postgres:
        with away.with_pragma("max_page_count = 1", f"max_page_count = {2**30}"):  # none beside those that it has
            yield
        return
    with psycopg.connect(away.url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON seven.deliveries EXECUTE FUNCTION full_disk()")
        yield
        connection.execute("DROP FUNCTION full_disk CASCADE")


@contextmanager
def locked(away: Away) -> Iterator[None]:
    if away.postgres:
        with psycopg.connect(away.url) as connection:  # as a migration does
            connection.execute("LOCK TABLE seven.messages IN ACCESS EXCLUSIVE MODE")
            yield
        return
    file = away.url.removeprefix("sqlite:///")
    holding = f"import sqlite3, sys; c = sqlite3.connect({file!r}); c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        yield
        other.stdin.close()


@contextmanager
def dropped(away: Away) -> Iterator[None]:
    """Without one of its tables, as while an older backup is being restored."""
    schema = "seven." if away.postgres else ""
    with away.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {schema}deliveries RENAME TO elsewhere"))
    yield
    with away.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {schema}elsewhere RENAME TO deliveries"))


Outage = Callable[[Away], AbstractContextManager[None]]


@pytest.fixture
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Away]:
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    away = Away(postgres.database() if postgres else f"sqlite:///{tmp_path / 'seven.db'}", postgres, tmp_path)
    yield away
    away.engine.dispose()


@pytest.mark.parametrize(
    ("away", "outage", "cause"),
    [
        pytest.param("postgresql", refused, "OperationalError", id="PostgreSQL stopped"),
        pytest.param("postgresql", hanging, "ConnectionTimeout", id="PostgreSQL hanging"),
        pytest.param("postgresql", read_only, "ReadOnlySqlTransaction 25006", id="PostgreSQL read-only"),
        pytest.param("postgresql", full, "DiskFull 53100", id="PostgreSQL with a full disk"),
        pytest.param("postgresql", locked, "LockNotAvailable 55P03", id="PostgreSQL migrating"),
        pytest.param("postgresql", dropped, "UndefinedTable 42P01", id="PostgreSQL without a table"),
        pytest.param("sqlite", read_only, "OperationalError SQLITE_READONLY", id="SQLite read-only"),
        pytest.param("sqlite", full, "OperationalError SQLITE_FULL", id="SQLite with a full disk"),
        pytest.param("sqlite", locked, "OperationalError SQLITE_BUSY", id="SQLite locked by another process"),
        pytest.param("sqlite", dropped, "OperationalError SQLITE_ERROR", id="SQLite without a table"),
    ],
    indirect=["away"],
)
def test_an_outage_holds_and_buries_nothing(away: Away, outage: Outage, cause: str, ledger: Ledger, redis_url: str):
    """Consuming ends in time and raises nothing, batches stay pending, the cause is told; afterwards all is applied."""
    breaker = CircuitBreaker(0.0, 0.0)
    consumer = Consumer(ledger, Store(away.engine), breaker)
    batches = [
        NewBatch(f"b{one}", "dlr", [envelope(f"{one}-{i}").line() for i in range(3)], frozenset()) for one in range(4)
    ]
    accept(redis_url, *batches)
    consumer.consume("dlr", ["b0"])  # so that there is a connection that was good once
    sweep = Sweep(ledger, consumer.consume, overdue_s=0, at_most=100)
    with outage(away):
        began = time.monotonic()
        for _ in range(2):
            assert sweep.run() == 3
        assert time.monotonic() - began < IN_TIME_S
        assert pending(ledger) == 3
        assert breaker.hold
        assert breaker.hold.cause == cause
    sweep.run()
    assert pending(ledger) == 0
    assert breaker.hold is None
    assert counted(away.engine, dead_letters) == 0
    with away.engine.connect() as connection:
        assert connection.execute(select(deliveries.c.outcome, func.count()).group_by(deliveries.c.outcome)).all() == [
            ("applied", 12)
        ]
    assert counted(away.engine, messages) == 12


@pytest.mark.parametrize("away", ["postgresql"], indirect=True)
def test_a_deadlock_holds_nothing_up(away: Away, ledger: Ledger, redis_url: str):
    """Somebody else locks the same rows the other way round: the batch is applied at once, and neither held nor dead."""
    breaker = CircuitBreaker(0.0, 0.0)
    consumer = Consumer(ledger, Store(away.engine), breaker)
    accept(
        redis_url,
        *(NewBatch(name, "dlr", [envelope(one).line() for one in "ab"], frozenset()) for name in ("b0", "b1")),
    )
    consumer.consume("dlr", ["b0"])
    with away.engine.begin() as connection:
        connection.execute(text("UPDATE seven.messages SET rank = NULL, final = NULL, status_at = NULL"))
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def waits() -> bool:
        with watch.connect() as connection:
            return bool(connection.execute(waiting).scalar())

    watch = create_store_engine(away.url)
    patient = Consumer(ledger, Store(watch), breaker)  # its locks wait longer than the server takes to find a deadlock
    with psycopg.connect(away.url) as other:
        other.execute("SET deadlock_timeout = '10s'")  # so that the writer is the one that is sacrificed
        other.execute("UPDATE seven.messages SET foreign_id = 'f' WHERE msg_id = 'm-b'")
        consuming = threading.Thread(target=patient.consume, args=("dlr", ["b1"]))
        consuming.start()
        eventually(waits)
        other.execute("UPDATE seven.messages SET foreign_id = 'f' WHERE msg_id = 'm-a'")
        other.commit()
        consuming.join()
    assert (pending(ledger), breaker.hold, counted(watch, dead_letters)) == (0, None, 0)
    watch.dispose()


@pytest.mark.duration(10)
def test_a_worker_holds_through_an_outage_and_catches_up(
    tmp_path: Path, redis_url: str, ledger: Ledger, postgres: Postgres
):
    """A real worker: it says so once, is not ready, keeps its memory, and applies everything by itself afterwards."""
    url, port = postgres.database(), free_port()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    batches = [
        NewBatch(f"b{one}", "dlr", [envelope(f"{one}-{i}").line() for i in range(2)], frozenset()) for one in range(600)
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

    def ask(path: str) -> httpx2.Response:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S)
        except httpx2.TransportError:
            return httpx2.Response(0)

    def announce_all() -> None:
        for start in range(0, len(batches), BATCHES_PER_ANNOUNCEMENT):
            announce(celery, "dlr", [one.id for one in batches[start : start + BATCHES_PER_ANNOUNCEMENT]])
        eventually(lambda: not ledger.redis.llen("dlr"))

    with running(consuming):
        eventually(lambda: ask("/readyz").status_code == 200, 40)
        assert ask("/livez").json()["alive"]
        assert "seven_store_held 0.0" in ask("/metrics").text
        assert ask("/elsewhere").status_code == 404
        postgres.stop()
        try:
            announce_all()
            eventually(lambda: ask("/readyz").status_code == 503)
            (hindrance,) = ask("/readyz").json()["hindrances"]
            assert "the database does not take anything (OperationalError), held since 20" in hindrance
            metrics = ask("/metrics").text
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
        eventually(lambda: ask("/readyz").status_code == 200)
    assert counted(engine, deliveries) == 1200
    assert counted(engine, dead_letters) == 0
    engine.dispose()
    log = consuming.log.read_text()
    assert (log.count("holding: the database"), log.count("the database is back")) == (1, 1)
    assert "Traceback" not in log

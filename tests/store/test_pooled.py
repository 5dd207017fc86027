"""Pooler: behind a transaction pooler commits are as durable as without one, and our settings affect no other client."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from sqlalchemy import Engine, text

from ledger.client import Ledger
from operations.audit import Auditor
from operations.checks.check import Check, Grade, answer_of
from operations.checks.database import checks
from store.circuit_breaker import CircuitBreaker
from store.database_info import inspect
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from tests.factories.envelopes import Accept, envelope
from tests.pgbouncer import pgbouncer
from tests.servers import Postgres
from workers.consumer import Consumer

POOL = 2
THREADS = 4
BATCHES = 60  # so many that each connection runs each statement more often than the driver's threshold for preparing it

WITNESS = """
    CREATE TABLE seven.witness (terms text);
    CREATE FUNCTION seven.witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seven.witness SELECT string_agg(current_setting(name), ' ' ORDER BY number) FROM unnest(ARRAY[
            'synchronous_commit', 'lock_timeout', 'statement_timeout', 'transaction_isolation'
        ]) WITH ORDINALITY AS told(name, number);
        RETURN NULL;
    END $$;
    CREATE TRIGGER witness AFTER INSERT ON seven.deliveries EXECUTE FUNCTION seven.witness();
"""
OURS = "on 10s 30s read committed"
DEFAULTS = ("off", "0", "0", "read committed", 0)
TERMS = (
    "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'), current_setting('statement_timeout'),"
    " current_setting('default_transaction_isolation'), (SELECT count(*) FROM pg_prepared_statements)"
)


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """A database whose commits are not durable by default, behind a pool of two connections."""
    name = postgres.database().rpartition("/")[2]
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pgbouncer(postgres, name, POOL) as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_store_engine(url, THREADS)
    migrate(engine)
    yield engine
    engine.dispose()


@contextmanager
def other_clients(url: str) -> Iterator[list[psycopg.Connection]]:
    """As many clients as the pool has connections, each in a transaction."""
    with ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(url, prepare_threshold=None)) for _ in range(POOL)]
        for client in clients:
            client.execute("SELECT 1")
        yield clients


def run_checks(engine: Engine) -> dict[str, Check]:
    return {check.name: check for check in checks(answer_of(lambda: inspect(engine)), 10)}


def test_commits_are_durable_and_settings_do_not_leak(engine: Engine, url: str, ledger: Ledger, accept: Accept):
    """Threads share two sessions: every delivery is committed with our settings, other clients keep theirs."""
    with engine.begin() as connection:
        connection.exec_driver_sql(re.sub(r"\s+", " ", WITNESS))
    batches = [accept(envelope(f"d{number}", msg_id=f"m{number}")) for number in range(BATCHES)]
    breakers = [CircuitBreaker(0.0) for _ in range(THREADS)]

    def consume(number: int) -> None:
        consumer = Consumer(ledger, Store(engine), breakers[number])
        for batch in batches[number::THREADS]:
            consumer.consume("dlr", [batch])

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(consume, range(THREADS)))
    assert [breaker.hold for breaker in breakers] == [None] * THREADS
    with engine.connect() as connection:
        assert set(connection.execute(text("SELECT terms FROM seven.witness")).scalars()) == {OURS}
        assert connection.execute(text("SELECT count(*) FROM seven.deliveries")).scalar_one() == BATCHES
    assert not Auditor(ledger, engine).audit().lost
    engine.dispose()
    with other_clients(url) as clients:
        assert [client.execute(TERMS).fetchone() for client in clients] == [DEFAULTS] * POOL


def test_settings_of_other_clients_do_not_affect_us(engine: Engine, url: str):
    """Session settings that other clients leave behind have no effect on our transactions; doctor names them."""
    good = run_checks(engine)
    assert {name: check.grade for name, check in good.items() if check.grade is not Grade.GOOD} == {}
    assert "a pooler" in good["PostgreSQL sessions"].finding
    with other_clients(url) as clients:
        for client in clients:
            client.execute(
                "SET synchronous_commit = local; SET lock_timeout = '1h'; SET default_transaction_isolation = 'serializable'"
            )
            client.commit()
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "10s"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
    sessions = run_checks(engine)["PostgreSQL sessions"]
    assert sessions.grade is Grade.WARNING
    assert "default_transaction_isolation, lock_timeout, synchronous_commit" in sessions.finding


def test_statements_are_prepared_only_without_a_pooler(engine: Engine, postgres: Postgres, url: str):
    """Planning a small batch again costs a millisecond, so direct connections prepare statements."""
    direct = create_store_engine(postgres.url(url.rpartition("/")[2]))
    thresholds = []
    for pooled_or_direct in (engine, direct):
        with pooled_or_direct.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            thresholds.append(driver.prepare_threshold)
    direct.dispose()
    assert thresholds == [None, 5]

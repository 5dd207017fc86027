"""Fixtures for all tests: real servers for the session, an empty ledger and an empty database for each test."""

import asyncio
import gc
import logging
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import hypothesis
import pytest
from sqlalchemy import Engine

from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from tests.databases import Databases
from tests.factories.envelopes import Accept
from tests.order import arrange
from tests.servers import PATIENCE_S, Postgres, Valkey, valkey
from tests.shared_rows import SharedRows, shared_rows_of
from tests.statements import share_compiled_statements
from tests.trust import share_trust
from workers.consumer import Consumer

logging.getLogger("alembic").setLevel(logging.WARNING)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started with Ctrl-C ignored

# The suite is deterministic; `make fuzz` looks for new examples. No example has a deadline, for slow machines.
hypothesis.settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")
hypothesis.settings.register_profile("fuzz", max_examples=3000, deadline=None, print_blob=True)  # for `make fuzz`

# By default, HTTP clients in tests wait as long as everything else. The default is this one object.
httpx2._config.DEFAULT_TIMEOUT_CONFIG.__init__(PATIENCE_S)

share_compiled_statements()
share_trust()

TOKEN = "token-" + secrets.token_urlsafe(24)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    arrange(items)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at all modules and tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey"), "--maxmemory", "256mb") as server:
        yield server


@pytest.fixture
def redis_url(shared_valkey: Valkey) -> str:
    """The URL of an empty Redis."""
    with shared_valkey.client() as client:
        client.flushall()
    return shared_valkey.url


@pytest.fixture
def ledger(redis_url: str) -> Iterator[Ledger]:
    ledger = Ledger(redis_url)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.create()
    server.start()
    yield server
    server.stop(signal.SIGQUIT)  # at once, without a checkpoint
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_database(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, on each dialect."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'seven.db'}"
    return str(request.getfixturevalue("postgres").database())


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the current schema and no rows; migrating each would take a tenth of the suite's time."""
    if dialect == "sqlite":
        file = shutil.copyfile(request.getfixturevalue("migrated_sqlite"), tmp_path / "seven.db")
        yield f"sqlite:///{file}"
        return
    with request.getfixturevalue("databases").lent() as url:
        yield url


@pytest.fixture(scope="session")
def databases(postgres: Postgres, migrated_postgres: str) -> Databases:
    return Databases(postgres, migrated_postgres)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "seven.db"
    _create_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    url = postgres.database()
    _create_tables(url)
    return url.rpartition("/")[2]


def _create_tables(url: str) -> None:
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def shared_rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedRows]:
    """Rows for tests that only read, written once for a module."""
    with shared_rows_of(request, tmp_path_factory.mktemp("shared")) as shared:
        yield shared


@pytest.fixture
def consumer(ledger: Ledger, engine: Engine) -> Consumer:
    return Consumer(ledger, Store(engine), CircuitBreaker(0.0))


@pytest.fixture
def accept(redis_url: str) -> Accept:
    """Put envelopes, or bare lines, into the ledger as one batch; returns its id."""
    numbers = iter(range(100_000))

    def put(*lines: Envelope | bytes, queue: str = "dlr") -> str:
        async def run() -> None:
            envelope_lines = [line.line() if isinstance(line, Envelope) else line for line in lines]
            async with LedgerWriter(redis_url, PATIENCE_S) as writer:
                (answer,) = await writer.accept([NewBatch(name, queue, envelope_lines, frozenset())])
            assert isinstance(answer, Header)

        name = f"batch-{next(numbers)}"
        asyncio.run(run())
        return name

    return put

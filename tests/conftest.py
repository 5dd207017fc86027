"""What tests stand on: real servers for the session, an empty ledger and an empty database for each test."""

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.settling import Ledger
from tests.servers import Postgres, Valkey, valkey
from workers.store.engine import create_store_engine
from workers.store.migrating import migrate

logging.getLogger("alembic").setLevel(logging.WARNING)

TOKEN = "token-" + secrets.token_urlsafe(24)


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
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, in each of the two kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'seven.db'}"
    return str(request.getfixturevalue("postgres").database())


@pytest.fixture
def database_url(empty_database: str) -> str:
    """The URL of a database with today's tables."""
    engine = create_store_engine(empty_database)
    migrate(engine)
    engine.dispose()
    return empty_database


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()

"""Fixtures: a Redis and a PostgreSQL whose clocks tests can set, in place of the suite's servers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from store.engine import create_store_engine
from store.migrate import migrate
from tests.clocks import Clock
from tests.servers import Postgres, Valkey, valkey

__all__ = ["database_clock", "database_url", "postgres", "redis_clock", "redis_url", "server"]

DAY = timedelta(days=1)
FAR_S = 1200 * 86_400.0
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def redis_clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, redis_clock: Clock) -> Iterator[Valkey]:
    with (
        valkey(tmp_path_factory.mktemp("valkey-apart"), environment=redis_clock.environment) as server,
        server.client() as client,
    ):
        redis_clock.read = lambda: float(client.time()[0])  # type: ignore[index]
        yield server


@pytest.fixture
def redis_url(server: Valkey, redis_clock: Clock) -> str:
    """The URL of an empty Redis whose clock is right until a test sets it."""
    redis_clock.set(0)
    with server.client() as client:
        client.flushall()
    return server.url


@pytest.fixture(scope="module")
def database_clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, database_clock: Clock) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres-apart"), database_clock.environment)
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'seven.db'}"
    else:
        request.getfixturevalue("database_clock").set(0)
        url = request.getfixturevalue("postgres").database()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    return url

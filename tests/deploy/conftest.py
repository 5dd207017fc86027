"""Fixtures for the tests of rules and dashboards."""

from collections.abc import Iterator

import pytest

from tests.deploy.watched import Watched, watch
from tests.servers import Postgres


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Watched]:
    """All processes at work, scraped by a Prometheus."""
    with watch(tmp_path_factory.mktemp("watched"), postgres.database()) as installation:
        yield installation

"""What tests of rules and dashboards stand on."""

from collections.abc import Iterator

import pytest

from tests.deploy.watched import Watched, watched
from tests.servers import Postgres


@pytest.fixture(scope="session")
def everybody(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Watched]:
    """Every process at work, watched by a Prometheus."""
    with watched(tmp_path_factory.mktemp("watched"), postgres.database()) as one:
        yield one

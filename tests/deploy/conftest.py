"""Fixtures for the tests of rules and dashboards."""

from collections.abc import Iterator

import pytest

from tests.deploy.kubernetes import OVERLAYS, Document, Installation
from tests.deploy.watched import Watched, watch
from tests.servers import Postgres


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Watched]:
    """All processes at work, scraped by a Prometheus."""
    with watch(tmp_path_factory.mktemp("watched"), postgres.database()) as installation:
        yield installation


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Document]]:
    """The objects of each overlay of deploy/kubernetes, with the fewest settings; `managed` has reactions as well."""
    installation = Installation(tmp_path_factory.mktemp("kubernetes"))
    installation.start_reactions()
    assert installation.configure().returncode == 0
    return {overlay: installation.render(overlay) for overlay in OVERLAYS}

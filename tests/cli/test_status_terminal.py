"""status on a terminal, and its refreshed screen."""

import signal
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import Engine

from tests.cli.installation import COMMAND, CommandLine
from tests.cli.terminal import output_on_terminal
from tests.conftest import TOKEN
from tests.factories.archive import delivered, keep
from tests.servers import PATIENCE_S, eventually

DLR = {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}


@pytest.fixture
def dialect() -> str:
    """One dialect is enough here: `tests/store/test_row_counts.py` covers both."""
    return "sqlite"


@pytest.fixture
def alone(tmp_path: Path, redis_url: str, database_url: str) -> CommandLine:
    """Redis and a database, and no process of ours."""
    environment = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN}
    return CommandLine(tmp_path, SEVEN_METRICS_ADDRESS="", **environment)


def test_it_fits_into_eighty_columns(alone: CommandLine, engine: Engine):
    """Neither a line nor the screen is longer than the terminal."""
    keep(engine, [delivered(n, "dlr", DLR).dead(f"a fault {'that is long ' * 20}{n}") for n in range(5)])
    lines = output_on_terminal(alone, ("status",), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 50


@pytest.mark.duration(8)
def test_watching(alone: CommandLine, tmp_path: Path):
    """--watch refreshes the screen until Ctrl-C; --json excludes it."""
    screen = tmp_path / "watched"
    with screen.open("wb") as output:
        process = Popen([COMMAND, "status", "--watch", "1"], cwd=alone.directory, env=alone.environment, stdout=output)
    try:
        eventually(lambda: screen.read_text().count("things are wrong") >= 2, 30)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 1
    assert alone.run("status", "--watch", "1", "--json").returncode == 2

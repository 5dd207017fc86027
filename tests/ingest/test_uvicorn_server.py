"""Uvicorn server: the receiver starts only where its connections are bounded."""

import asyncio
import sys
from pathlib import Path

import pytest

from ingest.uvicorn_server import refusal_to_start
from tests.conftest import TOKEN
from tests.processes import Process, running
from tests.servers import PATIENCE_S, free_port


@pytest.mark.duration(10)
@pytest.mark.parametrize("options", [["--http", "h11"], ["--http", "h11", "--log-level", "trace"]], ids=["", "traced"])
def test_h11_is_refused(redis_url: str, tmp_path: Path, options: list[str]):
    """It ends before it accepts a connection, with one plain sentence and no traceback."""
    command = [sys.executable, "-m", "uvicorn", "ingest.app:app", "--port", str(free_port()), *options]
    environment = {"SEVEN_HOOK_TOKEN": TOKEN, "REDIS_URL": redis_url, "SEVEN_METRICS_ADDRESS": "off"}
    starting = Process("receiver", tmp_path, command, environment)
    with running(starting):
        assert starting.process
        code = starting.process.wait(PATIENCE_S)
    output = starting.log.read_text()
    assert code == 3, output
    assert "The receiver does not start: it bounds slow and oversize requests with uvicorn's httptools" in output
    assert "uvicorn is configured with H11Protocol. Remove --http" in output
    assert "Traceback" not in output
    assert "Uvicorn running" not in output


def test_another_server_is_not_judged():
    """A test client, or a server that is not uvicorn, has no such configuration."""

    async def main() -> str | None:
        return refusal_to_start()

    assert asyncio.run(main()) is None

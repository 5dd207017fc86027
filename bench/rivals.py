"""Rivals: how each baseline is run, and how its Redis shows that nothing is pending."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis as redis_client

from bench.servers import Server
from tests.processes import ROOT, Process

ARQ_PYTHON = ROOT / ".venv/arq/bin/python"
"""arq needs redis-py below 6, ours is above 8: `make bench` gives it an environment of its own."""


@dataclass(frozen=True)
class Rival:
    """A baseline with a receiver and a worker."""

    name: str
    module: str
    worker: tuple[str, ...]
    """What follows `python -m`."""
    is_drained: Callable[[Any], bool]
    """Whether its Redis holds nothing that is not committed."""
    python: Path = Path(sys.executable)

    def receiver(self, directory: Path, settings: dict[str, str]) -> Server:
        """Its receiver, not yet started."""
        return Server(directory, f"bench.baselines.{self.module}:app", settings, self.name, python=self.python)

    def consumer(self, directory: Path, settings: dict[str, str]) -> Process:
        """Its worker, not yet started."""
        return Process(f"{self.name}-worker", directory, [str(self.python), "-m", *self.worker], settings)

    def is_drained_at(self, redis_url: str) -> bool:
        """Whether every delivery is committed."""
        with redis_client.Redis.from_url(redis_url) as client:
            return self.is_drained(client)


RIVALS = {
    rival.name: rival
    for rival in (
        Rival(
            "naive",
            "naive",
            ("celery", "-A", "bench.baselines.naive:celery", "worker", "--without-gossip", "--without-mingle", "--concurrency", "2"),
            lambda client: not client.llen("celery") and not client.hlen("unacked"),
        ),
        Rival(
            "arq",
            "fastapi_arq",
            ("arq", "bench.baselines.fastapi_arq.Jobs", "--custom-log-dict", "bench.baselines.fastapi_arq.LOGS"),
            lambda client: not client.zcard("arq:queue"),
            ARQ_PYTHON,
        ),
        Rival(
            "faststream",
            "faststream_batches",
            ("faststream", "run", "bench.baselines.faststream_batches:worker"),
            lambda client: not client.xlen("deliveries"),
        ),
    )
}  # fmt: skip


def create_tables(database_url: str) -> None:
    """Give a database the tables of the baselines."""
    command = [sys.executable, "-m", "bench.baselines.tables"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": database_url}, check=True)

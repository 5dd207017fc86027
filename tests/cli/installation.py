"""An installation in a directory of its own, on ports of its own, driven as an operator drives it."""

import json
import os
import signal
import sqlite3
import subprocess
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forks import COMMAND, run_script
from tests.servers import PATIENCE_S, eventually, free_port

READY = "Ctrl-C ends everything"
_OURS = ("SEVEN_", "REDIS_", "DATABASE_", "EMULATOR_", "FLOWER_")


@dataclass(frozen=True)
class Seen:
    """A living process."""

    pid: int
    parent: int
    command: str
    environment: str


def processes() -> list[Seen]:
    """All that live on this machine, as far as they can be looked at."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (
                (directory / name).read_text().replace("\0", " ") for name in ("cmdline", "environ")
            )
            state, parent = (directory / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != "Z":
            found.append(Seen(int(directory.name), int(parent), command, environment))
    return found


class CommandLine:
    """One working directory with its `data`, and the processes that are started there."""

    def __init__(self, directory: Path, **told: str) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.ports = {
            name: free_port() for name in ("SEVEN_PORT", "SEVEN_BROKER_PORT", "SEVEN_FLOWER_PORT", "EMULATOR_PORT")
        }
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.environment |= {name: str(port) for name, port in self.ports.items()} | told
        self.screen = directory / "screen"
        self.up: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, **told: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run_script((COMMAND, *words), self.directory, self.environment | told)

    def answer(self, *words: str, code: int = 0) -> Any:
        """What a command answers in JSON."""
        ended = self.run(*words, "--json")
        assert ended.returncode == code, ended.stderr
        return json.loads(ended.stdout)

    def start(self, until: str = READY) -> None:
        """Start `up`, and wait until it has said that it is ready."""
        with self.screen.open("wb") as screen:
            self.up = subprocess.Popen(
                [COMMAND, "up"], cwd=self.directory, env=self.environment, stdout=screen, stderr=screen
            )
        eventually(lambda: until in self.said or self.up is None or self.up.poll() is not None, 2 * PATIENCE_S)
        assert until in self.said, self.said

    @property
    def said(self) -> str:
        """What `up` has said so far."""
        return self.screen.read_text()

    def children(self) -> list[Seen]:
        """The processes that `up` runs."""
        return [one for one in processes() if self.up and one.parent == self.up.pid]

    def child(self, word: str) -> int:
        """The process whose command line says this word; 0 where there is none, or not yet."""
        found = [one.pid for one in self.children() if word in one.command and "leash" not in one.command]
        return found[0] if len(found) == 1 else 0

    def left_over(self) -> list[Seen]:
        """Processes that run still, wherever: they know our directory, or they are a broker on our port."""
        marks = (str(self.directory), f":{self.ports['SEVEN_BROKER_PORT']}")
        return [one for one in processes() if any(mark in one.command + one.environment for mark in marks)]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, or worse; returns the exit code."""
        assert self.up
        if self.up.poll() is None:
            self.up.send_signal(number)
        return self.up.wait(2 * PATIENCE_S)

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.up and self.up.poll() is None:
            children = self.children()
            self.up.kill()
            self.up.wait()
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)

    def count(self, table: str) -> int:
        """Rows of a table of the database in `data`."""
        with closing(sqlite3.connect(self.data / "seven.db")) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

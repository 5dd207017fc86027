"""An installation in a directory of its own, on free ports, driven by the command line."""

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
class Process:
    """A living process."""

    pid: int
    parent: int
    command: str
    environment: str


def processes() -> list[Process]:
    """The living processes of this machine that /proc lets us read."""
    running = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (
                (directory / name).read_text().replace("\0", " ") for name in ("cmdline", "environ")
            )
            state, parent = (directory / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != "Z":
            running.append(Process(int(directory.name), int(parent), command, environment))
    return running


class CommandLine:
    """One working directory with its `data`, and the processes started there."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.ports = {
            name: free_port() for name in ("SEVEN_PORT", "SEVEN_BROKER_PORT", "SEVEN_FLOWER_PORT", "EMULATOR_PORT")
        }
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.console = f"127.0.0.1:{free_port()}"
        self.environment |= {name: str(port) for name, port in self.ports.items()}
        self.environment |= {"SEVEN_CONSOLE_ADDRESS": self.console} | settings
        self.output_file = directory / "output"
        self.up: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run_script((COMMAND, *words), self.directory, self.environment | settings)

    def answer(self, *words: str, code: int = 0) -> Any:
        """Run a command with --json. Returns its answer."""
        result = self.run(*words, "--json")
        assert result.returncode == code, result.stderr
        return json.loads(result.stdout)

    def start(self, until: str = READY) -> None:
        """Start `up`, and wait for this text in its output, by default until all is ready."""
        with self.output_file.open("wb") as output:
            self.up = subprocess.Popen(
                [COMMAND, "up"], cwd=self.directory, env=self.environment, stdout=output, stderr=output
            )
        eventually(lambda: until in self.output or self.up is None or self.up.poll() is not None, 2 * PATIENCE_S)
        assert until in self.output, self.output

    @property
    def output(self) -> str:
        """The output of `up` so far."""
        return self.output_file.read_text()

    def children(self) -> list[Process]:
        """The child processes of `up`."""
        return [process for process in processes() if self.up and process.parent == self.up.pid]

    def child(self, word: str) -> int:
        """The id of the child with this text in its command line; 0 if there is none, or not yet."""
        pids = [child.pid for child in self.children() if word in child.command and "parent_death" not in child.command]
        return pids[0] if len(pids) == 1 else 0

    def remaining_processes(self) -> list[Process]:
        """Processes of this installation that still run: those with our directory, and a broker on our port."""
        marks = (str(self.directory), f":{self.ports['SEVEN_BROKER_PORT']}")
        return [
            process for process in processes() if any(mark in process.command + process.environment for mark in marks)
        ]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to `up`, by default Ctrl-C's. Returns the exit code."""
        assert self.up
        if self.up.poll() is None:
            self.up.send_signal(number)
        return self.up.wait(2 * PATIENCE_S)

    def close(self) -> None:
        """Kill `up` and its children, if they still run."""
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

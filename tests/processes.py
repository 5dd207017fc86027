"""The real processes as an operator starts them, each ended by the test that started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.forks import COMMAND, Fork
from tests.order import DEPLOY_CHECK
from tests.servers import PATIENCE_S, eventually, free_port

ROOT = Path(__file__).parents[1]
FLOWER_PASSWORD = ("ops", "correct-horse-battery")


class Process:
    """One process with its output in a file; it runs the code below `root`."""

    is_forked = not os.environ.get(DEPLOY_CHECK)
    """Whether our processes are forked with their modules loaded: it saves two seconds of processor time for each."""

    def __init__(self, name: str, directory: Path, command: list[str], environment: dict[str, str]) -> None:
        self.name, self.command = name, command
        self.log, self.root = directory / f"{name}.log", ROOT
        ours = ("SEVEN_", "REDIS_", "DATABASE_", "OTEL_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment |= environment
        self.process: subprocess.Popen[bytes] | Fork | None = None
        self._began_at = 0

    def start(self) -> None:
        self._began_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            if self.is_forked and self.root == ROOT and _is_loaded(self.command):
                words = self.command if self.command[0] == COMMAND else self.command[2:]
                self.process = Fork(words, ROOT, self.environment, output.fileno())
            else:
                self.process = subprocess.Popen(
                    self.command,
                    cwd=self.root,
                    env=self.environment,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )

    def wait_until_logged(self, text: str) -> None:
        """Wait until the process has logged a text since its last start; fails if the process ends before."""
        assert self.process

        def logged() -> bool:
            return text.encode() in self.log.read_bytes()[self._began_at :]

        eventually(lambda: logged() or self.process.poll() is not None)
        assert logged(), self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, within_s: float = PATIENCE_S) -> int:
        """Signal it and wait; returns its exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(max(within_s, PATIENCE_S))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    @property
    def memory_kib(self) -> int:
        """Resident memory now."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


class HttpProcess(Process):
    """A process that has started once its `/livez` answers; a subclass sets `url`."""

    url: str

    def start(self) -> None:
        super().start()
        eventually(self._alive)

    def _alive(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx2.get(f"{self.url}/livez").status_code == 200
        except httpx2.TransportError:
            return False


class Receiver(HttpProcess):
    """The receiver on a free port; `through` are modules that launch it, with their arguments."""

    def __init__(
        self, directory: Path, environment: dict[str, str], name: str = "receiver", through: Sequence[str] = ()
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", *through, "uvicorn", "ingest.app:app", "--port", str(self.port), "--log-level", "info",
        ]  # fmt: skip
        super().__init__(name, directory, command, environment)


class Console(HttpProcess):
    """The console on a free port, without a password."""

    def __init__(self, directory: Path, environment: dict[str, str], name: str = "console") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "uvicorn", "console.app:app", "--port", str(self.port)]
        super().__init__(name, directory, command, environment)


class Flower(Process):
    """Flower with deploy/flower.py, except for state file and port."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.password = directory / "flower_basic_auth"
        self.password.write_text(":".join(FLOWER_PASSWORD))
        command = [
            *(sys.executable, "-m", "celery", "-A", "workers.app", "flower", f"--conf={ROOT / 'deploy/flower.py'}"),
            *(f"--port={self.port}", "--address=127.0.0.1", f"--db={directory / 'flower'}"),
        ]
        super().__init__("flower", directory, command, environment | {"FLOWER_BASIC_AUTH_FILE": str(self.password)})

    def start(self) -> None:
        super().start()
        eventually(self.answers)

    def answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/workers").status_code == 200
        except httpx2.TransportError:
            return False

    def get(self, path: str, auth: tuple[str, str] | None = FLOWER_PASSWORD) -> httpx2.Response:
        return httpx2.get(self.url + path, auth=auth, timeout=PATIENCE_S)


def worker(directory: Path, environment: dict[str, str], name: str = "worker", through: Sequence[str] = ()) -> Process:
    """A worker, not yet started; `through` are modules that launch it, with their arguments."""
    command = [
        sys.executable, "-m", *through, "celery", "-A", "workers.app", "worker", "--without-gossip", "--without-mingle",
        "-n", f"{name}@test",
    ]  # fmt: skip
    return Process(name, directory, command, environment)


def dispatcher(
    directory: Path, environment: dict[str, str], name: str = "dispatcher", through: Sequence[str] = ()
) -> Process:
    """A worker that dispatches changes, not yet started; `through` are modules that launch it, with their arguments."""
    command = [
        sys.executable, "-m", *through, "celery", "-A", "workers.app", "worker", "--without-gossip", "--without-mingle",
        "-Q", "reactions", "-n", f"{name}@test",
    ]  # fmt: skip
    return Process(name, directory, command, environment)


def beat(directory: Path, environment: dict[str, str], name: str = "beat", through: Sequence[str] = ()) -> Process:
    """Beat, not yet started; `through` are modules that launch it, with their arguments."""
    command = [sys.executable, "-m", *through, "celery", "-A", "workers.app", "beat"]
    return Process(name, directory, command, environment)


def _is_loaded(command: list[str]) -> bool:
    """Whether a fork has the modules of a command: not of one that other modules launch, or that has child processes."""
    if command[0] == COMMAND:
        return True
    return command[:2] == [sys.executable, "-m"] and command[2] in ("celery", "uvicorn") and "--workers" not in command


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Run processes for the length of a block; those still running at its end are killed."""
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in processes:
            if process.process and process.process.poll() is None:
                process.process.kill()
                process.process.wait()

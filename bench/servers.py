"""The measured servers and processes, each ended with the block that started it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from store.engine import create_store_engine
from store.migrate import migrate
from tests.processes import ROOT, Process
from tests.servers import Postgres, eventually, free_port, valkey

TOKEN = "a-token-for-the-bench-0123456789"


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory for the length of a block, accessible to PostgreSQL's own user."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """A Valkey that fsyncs every write; its URL."""
    home = directory / "valkey"
    home.mkdir()
    with valkey(home, "--maxmemory", "6gb") as server:
        yield server.url


@contextmanager
def database(directory: Path, dialect: str) -> Iterator[str]:
    """A database with our tables; its URL."""
    if dialect == "sqlite":
        url = f"sqlite:///{directory / 'seven.db'}"
        create_tables(url)
        yield url
        return
    with postgresql(directory) as server:
        url = server.database()
        create_tables(url)
        yield url


@contextmanager
def postgresql(directory: Path) -> Iterator[Postgres]:
    """A server without databases."""
    home = directory / "postgres"
    home.mkdir()
    server = Postgres(home)
    server.create()
    server.start()
    assert server.process
    (home / "pid").write_text(str(server.process.pid))  # its own directory is elsewhere where we are root
    try:
        yield server
    finally:
        server.stop()


def create_tables(url: str) -> None:
    """Give a database our tables."""
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()


def environment(redis_url: str, database_url: str | None = None) -> dict[str, str]:
    """Settings of our processes and of the baselines."""
    settings = {
        "REDIS_URL": redis_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_LEDGER_LIMIT": "6GiB",
        "PYTHONPATH": str(ROOT),
    }
    return settings if database_url is None else settings | {"DATABASE_URL": database_url}


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Run processes for the length of a block; at its end kill them with all their children."""
    try:
        for process in processes:
            process.is_forked = False  # measured is what people start
            process.start()
        yield
    finally:
        for process in processes:
            if process.process:
                # each leads its own process group: uvicorn's workers would outlive their parent
                with suppress(ProcessLookupError):
                    os.killpg(process.process.pid, signal.SIGKILL)
                process.process.wait()


class Server(Process):
    """An application under uvicorn on a free port, started as an operator would."""

    def __init__(
        self,
        directory: Path,
        app: str,
        settings: dict[str, str],
        name: str,
        options: Sequence[str] = (),
        python: Path = Path(sys.executable),
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            *(str(python), "-m", "uvicorn", app, "--port", str(self.port)),
            *("--no-access-log", "--no-server-header", "--ws", "none", *options),
        ]
        super().__init__(name, directory, command, settings)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        super().start()
        eventually(lambda: _is_listening(self.port), 30)


def _is_listening(port: int) -> bool:
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in list(table)[1:])


def worker(directory: Path, app: str, settings: dict[str, str], name: str, options: Sequence[str] = ()) -> Process:
    """A Celery worker."""
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "--without-gossip", "--without-mingle"]
    return Process(name, directory, [*command, "-n", f"{name}@bench", *options], settings)


def commit() -> str:
    """The measured commit, marked -dirty when there are uncommitted changes."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def machine() -> dict[str, str]:
    """Description of the machine, with the versions that matter and the date."""
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    )
    return {
        "processor": cpu, "cores": str(len(os.sched_getaffinity(0))), "python": sys.version.split()[0],
        "kernel": os.uname().release, "date": time.strftime("%Y-%m-%d"),
        "wrk": subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.partition("[")[0][4:].strip(),
    }  # fmt: skip

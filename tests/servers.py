"""Real servers for the tests: Valkey and PostgreSQL, on free ports, in temporary directories, ended afterwards."""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import redis

from tests.binaries import postgresql, redis_server

T = TypeVar("T")

PATIENCE_S = 120.0
"""Time limit of every wait: not a measurement, but a bound that suffices on the slowest machine."""


_CLAIMED: deque[socket.socket] = deque()
_MOST_CLAIMED = 200


def free_port() -> int:
    """A port of the loopback interface that no process uses or has reserved.

    It is outside the kernel's ephemeral range, so that a restarted server finds it still free. An abstract UNIX socket
    named after the port, in the same network namespace, reserves it against all other test processes.
    """
    while True:
        port = secrets.choice(range(10_000, 32_000))
        claim = socket.socket(socket.AF_UNIX)
        with socket.socket() as listener:
            try:
                claim.bind(f"\0seven-ingest-test-port-{port}")
                listener.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        _CLAIMED.append(claim)
        if len(_CLAIMED) > _MOST_CLAIMED:
            _CLAIMED.popleft().close()
        return port


@atexit.register
def _give_ports_back() -> None:
    for claim in _CLAIMED:
        claim.close()


def eventually(condition: Callable[[], T], within_s: float = PATIENCE_S, every_s: float = 0.05) -> T:
    """Poll a condition; returns its first true value. Fails after the time limit, PATIENCE_S at least."""
    within_s = max(within_s, PATIENCE_S)
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still {answer!r} after {within_s} s"
        time.sleep(every_s)
    return answer


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process and its children; the parent first, so that it starts no new ones meanwhile."""
    stopped_pids = [pid]
    os.kill(pid, signal.SIGSTOP)
    try:
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGSTOP)
                stopped_pids.append(child)
        yield
    finally:
        for stopped_pid in stopped_pids:
            with suppress(ProcessLookupError):
                os.kill(stopped_pid, signal.SIGCONT)


class Valkey:
    """A Valkey server that fsyncs every write; can be killed and restarted on its files."""

    def __init__(self, directory: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.directory, self.options, self.port = directory, options, free_port()
        self.environment = {**os.environ, **(environment or {})}
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers)

    def command(self) -> list[str]:
        return [
            redis_server(preloaded="LD_PRELOAD" in self.environment), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
            *self.options,
        ]  # fmt: skip

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE_S)

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the server with SIGKILL and wait until it has ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, "valkey-server ended by itself"
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def valkey(directory: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Valkey]:
    """A Valkey server for the length of a block."""
    server = Valkey(directory, *options, environment=environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Postgres:
    """A PostgreSQL server, from the machine or from the wheel, with a collation other than C where possible."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.binaries, self.directory, self.port = postgresql(), directory, free_port()
        self.environment = {**os.environ, **(environment or {})}
        self.log = directory / "log"
        # PostgreSQL refuses to run as root
        self.user = "nobody" if os.getuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def create(self) -> None:
        if self.user:
            # Not below pytest's own directory: any pytest that starts on this machine closes it to other users, and a
            # running server would lose access to its files and configuration.
            self.directory = Path(tempfile.mkdtemp(prefix="seven-postgres-"))
            self.log = self.directory / "log"
            atexit.register(self.remove)
            shutil.chown(self.directory, self.user)
        data = self.directory / "data"
        initdb = [str(self.binaries / "initdb"), "-D", str(data), "-U", "seven", "-E", "UTF8", "--auth=trust"]
        for locale in (["--locale-provider=icu", "--icu-locale=en-US", "--locale=C"], ["--locale=C"]):
            initialised = subprocess.run([*initdb, *locale], user=self.user, capture_output=True, cwd="/", check=False)
            if initialised.returncode == 0:
                return
        raise AssertionError(initialised.stderr.decode())

    def start(self) -> None:
        command = [
            str(self.binaries / "postgres"), "-D", str(self.directory / "data"), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.directory}",
            "-c", "max_connections=60", "-c", "max_prepared_transactions=0",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, user=self.user, cwd="/", env=self.environment, stdout=subprocess.DEVNULL, stderr=log
            )
        eventually(self._answers)

    def remove(self) -> None:
        """Delete the server's files, once it is stopped for good."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_again(self, within_s: float = PATIENCE_S) -> None:
        """Start after SIGKILL; retries, since PostgreSQL refuses until all former processes have ended."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self.start()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                self.stop()

    def database(self, like: str = "template1") -> str:
        """The URL of a new database, empty or a copy of one without connections."""
        self._databases += 1
        name = f"test_{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://seven@127.0.0.1:{self.port}/{database}"

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_S)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop all of the server's processes for the length of a block: the kernel acknowledges data, no process answers."""
        assert self.process
        with stopped(self.process.pid):
            yield

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

"""Outages of a Valkey server, on demand, and a supervisor that restarts processes."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from redis.exceptions import BusyLoadingError, RedisError

from tests.processes import Process
from tests.servers import Valkey, eventually, free_port


@contextmanager
def full(server: Valkey) -> Iterator[None]:
    with server.client() as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "500kb")  # less than it uses when empty
        try:
            yield
        finally:
            client.config_set("maxmemory", before)


@contextmanager
def read_only(server: Valkey) -> Iterator[None]:
    """Makes it a replica of a dead server."""
    with server.client() as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextmanager
def loading(server: Valkey) -> Iterator[None]:
    """Kills it and restarts it on a file that takes longer to load than the block."""
    with server.client() as client:
        client.bgrewriteaof()
        eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
        pipeline = client.pipeline(transaction=False)
        for _ in range(40_000):
            pipeline.set("padding", "x")
        pipeline.execute()
    server.kill()
    options = server.options
    server.options = (*options, "--key-load-delay", "400")  # microseconds for each command in the file
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        eventually(lambda: state(server) == "loading", every_s=0.005)
        yield
    finally:
        with server.client() as client:
            client.config_set("key-load-delay", 0)
        starting.join()
        server.options = options


@contextmanager
def killed(server: Valkey) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def hanging(server: Valkey) -> Iterator[None]:
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)


def state(server: Valkey) -> str:
    """The server's answer to a ping: `True`, `loading` or `nothing`."""
    try:
        with server.client() as client:
            return str(client.ping())
    except BusyLoadingError:
        return "loading"
    except RedisError:
        return "nothing"


Outage = Callable[[Valkey], AbstractContextManager[None]]


class Supervisor:
    """Restarts processes that have ended, as Docker or systemd would, during the block."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for process in self._processes:
                if process.process and process.process.poll() is not None:
                    process.start()

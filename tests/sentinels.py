"""Real servers behind real sentinels: one primary with replicas, and what fails over between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.binaries import redis_server
from tests.servers import Valkey, eventually

NAME = "ledger"
PASSWORD, SENTINEL_PASSWORD = "password-of-servers", "password-of-sentinels"
DOWN_AFTER_MS = 1000


class Node(Valkey):
    """A server that asks for a password, and whom sentinels may tell to follow another."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        super().__init__(
            directory, "--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"
        )
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.follows: int | None = None

    def command(self) -> list[str]:
        return super().command() + (["--replicaof", f"127.0.0.1 {self.follows}"] if self.follows else [])


class SentinelProcess(Valkey):
    """A sentinel; two of three have to agree."""

    def __init__(self, directory: Path, primary: Node) -> None:
        directory.mkdir(parents=True)
        super().__init__(directory)
        self.url = f"redis://:{SENTINEL_PASSWORD}@127.0.0.1:{self.port}"
        self.file = directory / "sentinel.conf"
        self.file.write_text(
            f"""port {self.port}
bind 127.0.0.1
dir {directory}
requirepass {SENTINEL_PASSWORD}
sentinel sentinel-pass {SENTINEL_PASSWORD}
sentinel monitor {NAME} 127.0.0.1 {primary.port} 2
sentinel auth-pass {NAME} {PASSWORD}
sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}
sentinel failover-timeout {NAME} 3000
sentinel parallel-syncs {NAME} 2
"""
        )

    def command(self) -> list[str]:
        return [redis_server(), str(self.file), "--sentinel"]


class Cluster:
    """A primary, its replicas, and three sentinels."""

    def __init__(self, directory: Path, servers: int) -> None:
        self.nodes = [Node(directory / f"server-{number}") for number in range(servers)]
        self.sentinels = [SentinelProcess(directory / f"sentinel-{number}", self.nodes[0]) for number in range(3)]

    @property
    def url(self) -> str:
        """A REDIS_URL that leads to the primary."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/{NAME}/0?sentinel_password={SENTINEL_PASSWORD}"

    def start(self) -> None:
        for node in self.nodes:
            node.follows = None if node is self.nodes[0] else self.nodes[0].port
            node.start()
        eventually(lambda: self.replicas(self.nodes[0]) == len(self.nodes) - 1)
        for sentinel in self.sentinels:
            sentinel.start()
        eventually(self._know_each_other)

    def end(self) -> None:
        for process in (*self.sentinels, *self.nodes):
            process.kill()

    def primary(self) -> Node | None:
        """The primary by the word of a majority of sentinels; None while they disagree."""
        ports = [state["port"] for state in self._states() if not state["is_sdown"]]
        return next((node for node in self.nodes if ports.count(node.port) >= 2), None)

    def kill_primary(self) -> Node:
        """Kill the primary; returns its successor once there is one."""
        old = eventually(self.primary)
        old.kill()
        return eventually(lambda: next((node for node in [self.primary()] if node not in (None, old)), None))

    def restart(self) -> None:
        """Start the servers that have been killed as replicas, and wait until all have the primary's data."""
        for node in self.nodes:
            if node.process and node.process.poll() is not None:
                node.follows = eventually(self.primary).port
                node.start()
        eventually(self._is_whole)  # on a slow machine another failover may come meanwhile

    @staticmethod
    def replicas(node: Node) -> int:
        """How many replicas of a server have its data."""
        with node.client() as client:
            info = client.info("replication")
        return sum(info.get(f"slave{number}", {}).get("state") == "online" for number in range(4))

    def _is_whole(self) -> bool:
        """Whether the primary has all its replicas, and the sentinels know them."""
        primary = self.primary()
        return primary is not None and self.replicas(primary) == len(self.nodes) - 1 and self._know_each_other()

    def _know_each_other(self) -> bool:
        """Whether each sentinel knows the others, and all replicas."""
        known = [(state["num-other-sentinels"], state["num-slaves"]) for state in self._states()]
        return known == [(len(self.sentinels) - 1, len(self.nodes) - 1)] * len(self.sentinels)

    def _states(self) -> list[dict[str, int]]:
        states = []
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                states += [masters[NAME] for masters in [client.sentinel_masters()] if NAME in masters]
        return states


@contextmanager
def sentinels(directory: Path, servers: int = 3) -> Iterator[Cluster]:
    """A cluster for the length of a block."""
    cluster = Cluster(directory, servers)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()

"""Surroundings: the installation as its processes see it, for commands that look at all of it."""

import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx2

from cli.installation import Installation
from ledger.client import Ledger
from runtime.settings import load
from seven.events import QUEUES
from workers.settings import WorkerSettings
from workers.worker_info import Worker, present

PATIENCE_S = 2.0
BUSY_S = 3.0
"""For a worker that is slow to answer, before it counts as absent."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the environment, and on a machine where `up` runs its home, tell."""

    home: Installation
    settings: WorkerSettings
    receiver_url: str
    flower_url: str
    emulated: bool
    """Whether the gateway is the emulator, and nobody outside is meant."""

    @classmethod
    def from_environment(cls) -> "Context":
        """Read them. Ends with exit code 2 where they are wrong."""
        home = Installation.from_environment()
        lived_in = (home.directory / "lock").exists()  # else the environment tells all, as in a container
        if lived_in:
            os.environ.update(home.environment())
        elif home.brings_broker:
            os.environ["REDIS_URL"] = home.redis_url
        told = home.settings
        return cls(
            home,
            load(WorkerSettings),
            told.seven_receiver_url or home.receiver_url,
            told.seven_flower_url or f"http://127.0.0.1:{told.seven_flower_port}",
            emulated=lived_in and home.emulates,
        )

    @property
    def redis_url(self) -> str:
        """The ledger."""
        return self.settings.redis_url.get_secret_value()


@dataclass(frozen=True, slots=True)
class Receiver:
    """What one receiver answers when it is asked whether it is ready; `hindrances` is empty when it is."""

    address: str
    hindrances: tuple[str, ...]


def living(ledger: Ledger, redis_url: str) -> list[Worker]:
    """Each worker that answers; one that is busy is asked once more. Raises redis.RedisError when Redis is away."""
    ledger.redis.ping()  # who is away says so at once
    found = present(redis_url)
    consumed = {queue for one in found for queue in one.queues}
    return found if consumed.issuperset(QUEUES) else present(redis_url, BUSY_S)


def receivers(url: str) -> list[Receiver]:
    """Each receiver that a name leads to, asked by itself. Raises OSError where the name leads nowhere."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    if parts.scheme == "https" or len(addresses) == 1:
        return [_asked(url, host)]
    return [
        _asked(urlunsplit(parts._replace(netloc=f"[{one}]:{port}" if ":" in one else f"{one}:{port}")), one)
        for one in addresses
    ]


def _asked(url: str, address: str) -> Receiver:
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/readyz", timeout=PATIENCE_S, trust_env=False)
    except httpx2.HTTPError as error:
        return Receiver(address, (f"it does not answer ({type(error).__name__})",))
    if answer.status_code == 200:
        return Receiver(address, ())
    try:
        told = [str(one) for one in answer.json()["hindrances"]]
    except (ValueError, KeyError, TypeError):
        told = []
    return Receiver(address, tuple(told) or (f"it answers {answer.status_code}",))

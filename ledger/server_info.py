"""Server information: the ledger server's INFO and CONFIG, where it grants them, and whether it takes a write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from ledger import keyspace
from ledger.scripts import PROBE
from runtime.redis_errors import missing_right, redis_reason

CONFIG_NAMES = ("appendonly", "appendfsync", "no-appendfsync-on-rewrite", "min-replicas-to-write", "save")
"""The settings that decide how durable an accepted delivery is, and that INFO does not contain."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it describes itself. `info` is empty where INFO is denied."""

    info: Mapping[str, Any]
    config: Mapping[str, str] | None
    """None on a managed server that denies or renames CONFIG."""
    refusal: str | None
    """Why it refused the test write; None when it took it."""
    missing_right: str | None = None
    """The right that INFO needs; None where it is granted."""

    @property
    def name(self) -> str:
        """The server's name for itself: redis, valkey or another."""
        return str(self.info.get("server_name", "redis")).lower()

    @property
    def version(self) -> tuple[int, ...]:
        """Its version; empty where unknown."""
        version = str(self.info.get(f"{self.name}_version", self.info.get("redis_version", "")))
        return tuple(int(part) for part in version.split(".") if part.isdecimal())


def inspect(redis: Redis) -> Server:
    """Query the server, and write once. Raises redis.RedisError when it does not answer."""
    missing = None
    try:
        info = redis.info()
    except NoPermissionError as error:
        info, missing = {}, missing_right(error)
    except ResponseError:
        info = {}
    try:
        redis.eval(PROBE.text, 1, keyspace.LEDGER)
        refusal = None
    except ResponseError as error:
        refusal = redis_reason(error)
    return Server(info, _config(redis), refusal, missing)


def _config(redis: Redis) -> Mapping[str, str] | None:
    """The settings of CONFIG_NAMES, each by a call of its own: older servers take one name at a time."""
    config: dict[str, str] = {}
    for name in CONFIG_NAMES:
        try:
            config.update(cast("dict[str, str]", redis.config_get(name)))
        except ResponseError:
            return None
    return config or None

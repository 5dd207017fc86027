"""Inspecting: what the ledger's server says of itself, and whether it does what it says, as far as it lets us ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from ledger import keyspace
from ledger.health import missing_right, refusal_word
from ledger.scripts import PROBE

ASKED = ("appendonly", "appendfsync", "no-appendfsync-on-rewrite", "min-replicas-to-write", "save")
"""The settings that decide what an answer is worth, and that INFO does not tell."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server's own words. Of an INFO that is refused `told` is empty."""

    told: Mapping[str, Any]
    config: Mapping[str, str] | None
    """None where it does not let us ask: a managed server, whose CONFIG is denied or called otherwise."""
    refusal: str | None
    """Why it took no write just now; None when it did."""
    missing_right: str | None = None
    """Which right we lack to ask it how it is; None where we have it."""

    @property
    def name(self) -> str:
        """Which server it is: redis, valkey, or what else it calls itself."""
        return str(self.told.get("server_name", "redis")).lower()

    @property
    def version(self) -> tuple[int, ...]:
        """Its own version; empty where it does not tell."""
        told = str(self.told.get(f"{self.name}_version", self.told.get("redis_version", "")))
        return tuple(int(part) for part in told.split(".") if part.isdecimal())

    def limit(self, ledger_limit: int) -> int:
        """Bytes that it may use, by its own bound and ours."""
        return min(int(self.told.get("maxmemory") or ledger_limit), ledger_limit)


def inspect(redis: Redis) -> Server:
    """Ask the server, and write once. Raises redis.RedisError when it does not answer."""
    missing = None
    try:
        told = redis.info()
    except NoPermissionError as error:
        told, missing = {}, missing_right(error)
    except ResponseError:
        told = {}
    try:
        redis.eval(PROBE.text, 1, keyspace.LEDGER)
        refusal = None
    except ResponseError as error:
        refusal = refusal_word(error)
    return Server(told, _config(redis), refusal, missing)


def _config(redis: Redis) -> Mapping[str, str] | None:
    """One by one: older servers take no more than one name at a time."""
    found: dict[str, str] = {}
    for name in ASKED:
        try:
            found.update(cast("dict[str, str]", redis.config_get(name)))
        except ResponseError:
            return None
    return found or None

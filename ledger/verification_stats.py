"""Verification statistics: recent results of the receivers' verifiers: `doctor` tells by them if enforcing is safe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from redis import Redis

from ledger import keyspace
from ledger.clock import as_time


@dataclass(frozen=True, slots=True)
class VerificationStats:
    """Results of one verifier, over all receivers. `mode` is None before the first report."""

    mode: str | None
    held: Mapping[str, int]
    """Verified deliveries since the last flaw, by the fingerprints of what verified them."""
    last_at: Mapping[str, datetime]
    """By the same, when the last one came, also before that flaw."""
    flaw: str | None
    """The flaw of the last delivery that failed."""
    flawed_at: datetime | None
    foreign: int = 0
    """Flaws since then from addresses that never sent a verified delivery, while others did."""


def arguments(mode: str, flaw: str | None, foreign: int, held: Mapping[str, int]) -> list[str | int]:
    """The arguments of `verification.lua`: a flaw, if any, the number of foreign ones, and what was verified since."""
    return [mode, flaw or "", foreign, *(argument for pair in held.items() for argument in pair)]


def verification_stats(redis: Redis, verifier: str) -> VerificationStats:
    """Read the statistics of one verifier. Raises redis.RedisError when Redis is unreachable."""
    answer = cast("dict[bytes, bytes]", redis.hgetall(keyspace.guard(verifier)))
    fields = {name.decode(): value.decode("utf-8", "replace") for name, value in answer.items()}
    return VerificationStats(
        mode=fields.get("mode"),
        held={name: int(value) for name, value in _with_prefix("held:", fields)},
        last_at={name: as_time(int(value)) for name, value in _with_prefix("last:", fields)},
        flaw=fields.get("flaw"),
        flawed_at=as_time(int(fields["flawed_ms"])) if "flawed_ms" in fields else None,
        foreign=int(fields.get("foreign", 0)),
    )


def _with_prefix(prefix: str, fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name.removeprefix(prefix), value) for name, value in sorted(fields.items()) if name.startswith(prefix)]

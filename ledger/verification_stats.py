"""Judged: what the receivers' guards have said lately, kept for whoever asks whether it is safe to enforce."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis

from ledger import keyspace


@dataclass(frozen=True, slots=True)
class VerificationStats:
    """How one guard stands, all receivers together. `mode` is None where none has told."""

    mode: str | None
    held: Mapping[str, int]
    """Deliveries since the last flaw, by the fingerprints of what they held by."""
    last_at: Mapping[str, datetime]
    """By the same, when the last one came; also those of before that flaw."""
    flaw: str | None
    """What was wrong with the last one that did not hold."""
    flawed_at: datetime | None
    foreign: int = 0
    """Flaws since then of addresses from which nothing has held, while from others something has."""


def arguments(mode: str, flaw: str | None, foreign: int, held: Mapping[str, int]) -> list[str | int]:
    """What `verification.lua` takes: a flaw, if there was one, foreign ones, and how many held since, by whom."""
    return [mode, flaw or "", foreign, *(word for pair in held.items() for word in pair)]


def judged(redis: Redis, guard: str) -> VerificationStats:
    """Read it. Raises redis.RedisError when the ledger is away."""
    answer = cast("dict[bytes, bytes]", redis.hgetall(keyspace.guard(guard)))
    told = {name.decode(): value.decode("utf-8", "replace") for name, value in answer.items()}
    return VerificationStats(
        mode=told.get("mode"),
        held={name: int(value) for name, value in _under("held:", told)},
        last_at={name: _at(value) for name, value in _under("last:", told)},
        flaw=told.get("flaw"),
        flawed_at=_at(told["flawed_ms"]) if "flawed_ms" in told else None,
        foreign=int(told.get("foreign", 0)),
    )


def _under(prefix: str, told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name.removeprefix(prefix), value) for name, value in sorted(told.items()) if name.startswith(prefix)]


def _at(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)

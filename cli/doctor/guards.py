"""Guards: what the receivers make of signatures and of the secret header, and whether it is safe to enforce."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis

from cli.checks import Check, Silence, good, unknown, warning
from cli.screen import program
from ledger.judged import Judged, judged
from ledger.keyspace import fingerprint
from workers.settings import WorkerSettings

ENOUGH = 1000
"""Deliveries in a row that held, before it is safe to enforce."""
LATELY = timedelta(days=1)

_SETTING = {"signature": "SEVEN_SIGNATURE_MODE", "secret": "SEVEN_HOOK_SECRET_MODE"}
_RUNBOOK = "deploy/README.md, Signatures"


@dataclass(frozen=True, slots=True)
class Standing:
    """How every guard stands, and when each hook token last brought a delivery, by its fingerprint."""

    guards: Mapping[str, Judged]
    tokens: Mapping[str, datetime]


def read(redis: Redis, tokens: Mapping[str, datetime]) -> Standing:
    """Read it. Raises redis.RedisError when the ledger is away."""
    return Standing({name: judged(redis, name) for name in _SETTING}, tokens)


def checks(standing: Standing | Silence, settings: WorkerSettings, now: datetime) -> Iterator[Check]:
    """A check for each guard; of the secret header only where there is one."""
    if isinstance(standing, Silence):
        yield unknown("guards", f"Redis knows ({standing.cause})")
        return
    names = _names(settings)
    for name, told in standing.guards.items():
        if name == "secret" and told.mode in (None, "off"):
            continue
        yield _guard(name, told, names, now)


def _guard(name: str, told: Judged, names: Mapping[str, str], now: datetime) -> Check:
    if told.mode is None:
        return unknown(name, "no receiver has told whether it looks", "start one of this version")
    if told.mode == "off":
        said = "not looked at: a token alone lets in"
        return warning(name, said, "set SEVEN_SIGNING_KEY and SEVEN_PUBLIC_URL for the receiver, too")
    return (_enforced if told.mode == "enforce" else _observed)(name, told, names, now)


def _observed(name: str, told: Judged, names: Mapping[str, str], now: datetime) -> Check:
    held = sum(told.held.values())
    if told.flawed_at is not None and (held < ENOUGH or now - told.flawed_at < LATELY):
        said = f"observed: {_flaw(told, now)}; since then {held} held"
        return warning(name, said, f"do not enforce it yet; {_RUNBOOK}")
    if held < ENOUGH:
        return good(name, f"observed: the last {held} held; after {ENOUGH} it is safe to enforce")
    said = f"the last {held} deliveries verified, {_by_all(told, names)}"
    return good(name, f"{said}: it is safe to set {_SETTING[name]}=enforce")


def _enforced(name: str, told: Judged, names: Mapping[str, str], now: datetime) -> Check:
    held = sum(told.held.values())
    if told.flawed_at is not None and now - told.flawed_at < LATELY:
        cure = f"{program()} dead list --outcome quarantined; {_RUNBOOK}"
        return warning(name, f"enforced; {_flaw(told, now)}; since then {held} held", cure)
    return good(name, f"enforced; the last {held} deliveries verified{f', {_by_all(told, names)}' if held else ''}")


def _flaw(told: Judged, now: datetime) -> str:
    age_s = (now - told.flawed_at).total_seconds() if told.flawed_at else 0.0
    return f"a delivery did not hold ({told.flaw}) {max(0, round(age_s))} s ago"


def _names(settings: WorkerSettings) -> dict[str, str]:
    """What fingerprints stand for, of what may be shown; of a key only which of them it is."""
    names = {fingerprint(url): url for url in settings.seven_public_url}
    for what, told in (("key", settings.seven_signing_key), ("secret", settings.seven_hook_secret)):
        for number, one in enumerate(told, 1):
            mark = fingerprint(one.get_secret_value())
            names[mark] = f"{what} <{mark}>, {'the current one' if number == 1 else 'an older one'}"
    return names


def _by_all(told: Judged, names: Mapping[str, str]) -> str:
    return "; ".join(f"{count} by {_by(marks, names)}" for marks, count in sorted(told.held.items()))


def _by(marks: str, names: Mapping[str, str]) -> str:
    return " and ".join(names.get(mark, f"<{mark}>") for mark in marks.split(":"))

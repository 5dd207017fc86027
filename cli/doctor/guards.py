"""Guards: what the receivers make of signatures and of the secret header, and whether it is safe to enforce."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis

from cli.checks import Check, Silence, good, unknown, warning
from cli.output.terminal import program
from cli.times import ago
from ledger.keyspace import fingerprint
from ledger.verification_stats import VerificationStats, judged
from workers.settings import WorkerSettings

ENOUGH = 1000
"""Deliveries in a row that held, before it is safe to enforce."""
LATELY = timedelta(days=1)

_SETTING = {"signature": "SEVEN_SIGNATURE_MODE", "secret": "SEVEN_HOOK_SECRET_MODE"}
_DOUBT = "deploy/README.md, Deliveries in doubt"


@dataclass(frozen=True, slots=True)
class Standing:
    """How every guard stands, and when each hook token last brought a delivery, by its fingerprint."""

    guards: Mapping[str, VerificationStats]
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


def _guard(name: str, told: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    if told.mode is None:
        return unknown(name, "no receiver has told whether it looks", "start one of this version")
    if told.mode == "off":
        said = "not looked at: a token alone lets in"
        return warning(name, said, "set SEVEN_SIGNING_KEY and SEVEN_PUBLIC_URL for the receiver, too")
    return (_enforced if told.mode == "enforce" else _observed)(name, told, names, now)


def _observed(name: str, told: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    ours = {marks: count for marks, count in told.held.items() if set(marks.split(":")) <= names.keys()}
    held, others = sum(ours.values()), sum(told.held.values()) - sum(ours.values())
    said = f"observed: the last {held:,} deliveries verified{_by_all(ours, names)}"
    if others:
        said += f"; {others:,} more by a key or URL that is not set here"
    if told.foreign:
        said += f"; {told.foreign:,} from other addresses did not ({_DOUBT})"
    if held >= ENOUGH:
        return good(name, f"{said}. It is safe to set {_SETTING[name]}=enforce")
    said += f"; with {ENOUGH:,} in a row it is safe to enforce"
    if told.flawed_at is None:
        return good(name, said)
    return warning(name, f"{said}; before them one did not ({told.flaw}), {_ago(told, now)} ago", _cure(name, told))


def _enforced(name: str, told: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    held = sum(told.held.values())
    said = f"enforced: the last {held:,} deliveries verified{_by_all(told.held, names)}"
    if told.flawed_at is not None and now - told.flawed_at < LATELY:
        cure = f"{program()} dead list --outcome quarantined; {_DOUBT}"
        return warning(name, f"{said}; before them one was refused ({told.flaw}), {_ago(told, now)} ago", cure)
    return good(name, said)


def _cure(name: str, told: VerificationStats) -> str:
    if (name, told.flaw) == ("secret", "missing"):
        return f"{program()} hooks plan: are the hooks registered with it? deploy/README.md, Signatures"
    return "do not enforce it yet; deploy/README.md, Signatures"


def _ago(told: VerificationStats, now: datetime) -> str:
    return ago(now - told.flawed_at) if told.flawed_at else ""


def _names(settings: WorkerSettings) -> dict[str, str]:
    """What fingerprints stand for, of what may be shown; of a key only which of them it is."""
    names = {fingerprint(url): url for url in settings.seven_public_url}
    for what, told in (("key", settings.seven_signing_key), ("secret", settings.seven_hook_secret)):
        for number, one in enumerate(told, 1):
            mark = fingerprint(one.get_secret_value())
            names[mark] = f"{what} <{mark}>, {'the current one' if number == 1 else 'an older one'}"
    return names


def _by_all(held: Mapping[str, int], names: Mapping[str, str]) -> str:
    told = "; ".join(f"{count:,} by {_by(marks, names)}" for marks, count in sorted(held.items()))
    return f", {told}" if told else ""


def _by(marks: str, names: Mapping[str, str]) -> str:
    return " and ".join(names.get(mark, f"<{mark}>") for mark in marks.split(":"))

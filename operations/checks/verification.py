"""Verification: what receivers find of signatures and of the secret header, and whether it is safe to enforce."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis

from ledger.clock import as_time
from ledger.keyspace import fingerprint
from ledger.token_uses import token_uses_ms
from ledger.verification_stats import VerificationStats, verification_stats
from operations.checks.check import Check, Unread, good, unknown, warning
from runtime.durations import duration
from runtime.settings.shared import HookSettings

ENOUGH = 1000
"""Verified deliveries in a row after which it is safe to enforce."""
LATELY = timedelta(days=1)

_SETTING = {"signature": "SEVEN_SIGNATURE_MODE", "secret": "SEVEN_HOOK_SECRET_MODE"}
_DOUBT = "deploy/alerts.md, Deliveries in doubt"


@dataclass(frozen=True, slots=True)
class Verifiers:
    """Statistics of each verifier, and when each hook token last delivered, by its fingerprint."""

    stats: Mapping[str, VerificationStats]
    tokens: Mapping[str, datetime]


def read(redis: Redis) -> Verifiers:
    """Read the statistics. Raises redis.RedisError when the ledger is unreachable."""
    tokens = {token: as_time(ms) for token, ms in token_uses_ms(redis).items()}
    return Verifiers({name: verification_stats(redis, name) for name in _SETTING}, tokens)


def checks(verifiers: Verifiers | Unread, settings: HookSettings, now: datetime) -> Iterator[Check]:
    """One check per verifier; for the secret header only where there is one."""
    if isinstance(verifiers, Unread):
        yield unknown("guards", f"Redis knows ({verifiers.reason})")
        return
    names = _names(settings)
    for name, stats in verifiers.stats.items():
        if name == "secret" and stats.mode in (None, "off"):
            continue
        yield _check(name, stats, names, now)


def _check(name: str, stats: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    if stats.mode is None:
        return unknown(name, "no receiver has published whether it verifies", "start one of this version")
    if stats.mode == "off":
        remedy = "set SEVEN_SIGNING_KEY and SEVEN_PUBLIC_URL for the receiver, too"
        return warning(name, "not verified: a token alone is enough to deliver", remedy)
    return (_enforced if stats.mode == "enforce" else _observed)(name, stats, names, now)


def _observed(name: str, stats: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    ours = {marks: number for marks, number in stats.held.items() if set(marks.split(":")) <= names.keys()}
    held, others = sum(ours.values()), sum(stats.held.values()) - sum(ours.values())
    finding = f"observed: the last {held:,} deliveries verified{_by_all(ours, names)}"
    if others:
        finding += f"; {others:,} more by a key or URL that is not set here"
    if stats.foreign:
        finding += f"; {stats.foreign:,} from other addresses did not ({_DOUBT})"
    if held >= ENOUGH:
        return good(name, f"{finding}. It is safe to set {_SETTING[name]}=enforce")
    finding += f"; with {ENOUGH:,} in a row it is safe to enforce"
    if stats.flawed_at is None:
        return good(name, finding)
    finding += f"; before them one did not ({stats.flaw}), {duration(now - stats.flawed_at)} ago"
    return warning(name, finding, _remedy(name, stats))


def _enforced(name: str, stats: VerificationStats, names: Mapping[str, str], now: datetime) -> Check:
    held = sum(stats.held.values())
    finding = f"enforced: the last {held:,} deliveries verified{_by_all(stats.held, names)}"
    if stats.flawed_at is None or now - stats.flawed_at >= LATELY:
        return good(name, finding)
    finding += f"; before them one was refused ({stats.flaw}), {duration(now - stats.flawed_at)} ago"
    return warning(name, finding, f"seven-ingest dead list --outcome quarantined; {_DOUBT}")


def _remedy(name: str, stats: VerificationStats) -> str:
    if (name, stats.flaw) == ("secret", "missing"):
        return "seven-ingest hooks plan: are the hooks registered with it? deploy/operate.md, Signatures"
    return "do not enforce it yet; deploy/operate.md, Signatures"


def _names(settings: HookSettings) -> dict[str, str]:
    """What fingerprints stand for, as far as it may be shown: of a key only which of them it is."""
    names = {fingerprint(url): url for url in settings.seven_public_url}
    for kind, values in (("key", settings.seven_signing_key), ("secret", settings.seven_hook_secret)):
        for number, secret in enumerate(values, 1):
            mark = fingerprint(secret.get_secret_value())
            names[mark] = f"{kind} <{mark}>, {'the current one' if number == 1 else 'an older one'}"
    return names


def _by_all(held: Mapping[str, int], names: Mapping[str, str]) -> str:
    parts = "; ".join(f"{number:,} by {_by(marks, names)}" for marks, number in sorted(held.items()))
    return f", {parts}" if parts else ""


def _by(marks: str, names: Mapping[str, str]) -> str:
    return " and ".join(names.get(mark, f"<{mark}>") for mark in marks.split(":"))

"""Secrets: whether they can be guessed. They are examined, and never shown."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ledger.keyspace import fingerprint
from operations.checks.check import Check, good, warning, wrong
from operations.checks.machine import is_local
from operations.checks.subject import CheckedSettings
from runtime.database_url import DatabaseServer
from runtime.redis_url import RedisServer
from runtime.settings.types import GOOD_TOKEN, HOW_TO_MAKE_ONE

LEAST_BITS = 64
GOOD_PASSWORD = 12
GOOD_KEY = 16
_PAGES = {"FLOWER_BASIC_AUTH": "Flower", "SEVEN_CONSOLE_AUTH": "the console"}
# Words of documents and examples, and those that people type.
_WELL_KNOWN = re.compile(
    r"(?i)change.?me|pass(word|wort)?|secret|example|long.(random.)?word|your.*(key|token)|123456|qwert|letmein|^admin|^test|^token\W*$"
)


def weakness(secret: str, shortest: int) -> str | None:
    """Why a secret can be guessed; None when it cannot."""
    if _WELL_KNOWN.search(secret) and len(secret) < 2 * shortest:
        return "is or contains what attackers try first"
    if len(secret) < shortest:
        return f"has fewer than {shortest} characters"
    seen = Counter(secret)
    bits = -sum(n * math.log2(n / len(secret)) for n in seen.values())
    return None if bits >= min(LEAST_BITS, 3 * shortest) else "repeats itself"


def checks(
    settings: CheckedSettings,
    passwords: Mapping[str, Sequence[str]],
    used_at: Mapping[str, datetime] | None = None,
    *,
    emulated: bool,
) -> Iterator[Check]:
    """Each secret by its setting's name.

    `passwords`: those of the pages, by the setting that has them; `used_at`: when tokens last delivered, by their
    fingerprints.
    """
    yield from _tokens(settings, used_at)
    for secret in settings.seven_hook_secret:
        harm = "together with a token it passes for the gateway"
        yield _ours("SEVEN_HOOK_SECRET", secret.get_secret_value(), harm, "Rotate secrets")
    for name, each in passwords.items():
        yield _page(name, each)
    if not emulated:
        if settings.seven_api_key is not None:
            yield _key("SEVEN_API_KEY", settings.seven_api_key.get_secret_value())
        for key in settings.seven_signing_key:
            yield _key(f"SEVEN_SIGNING_KEY <{fingerprint(key.get_secret_value())}>", key.get_secret_value())
    redis = RedisServer.parse(settings.redis_url.get_secret_value())
    yield _password("REDIS_URL", redis.host, redis.password)
    tls = redis.tls
    if tls and (tls["ssl_cert_reqs"] == "none" or not tls["ssl_check_hostname"]):
        finding = "encrypted, and the certificate is not verified: any server may pass for it and read the password"
        remedy = "ssl_ca_certs=FILE of its authority instead; deploy/README.md, Servers of your own"
        yield warning("REDIS_URL", finding, remedy)
    if settings.database_url is not None:
        database = DatabaseServer.parse(settings.database_url.get_secret_value())
        yield _password("DATABASE_URL", database.remote_host, database.secret)


def _tokens(settings: CheckedSettings, used_at: Mapping[str, datetime] | None) -> Iterator[Check]:
    if not settings.seven_hook_token:
        yield warning("SEVEN_HOOK_TOKEN", "not set here: nothing was tried with it", "set it as for the receiver")
    for token in settings.seven_hook_token:
        text = token.get_secret_value()
        check = _ours("SEVEN_HOOK_TOKEN", text, "anyone who guesses it writes into your tables")
        if used_at is None:
            yield check
            continue
        last = used_at.get(fingerprint(text))
        use = f"last delivered {last:%Y-%m-%d %H:%M:%S} UTC" if last else "has not delivered yet"
        yield replace(check, finding=f"{check.finding}; {use}")


def _ours(name: str, secret: str, harm: str, section: str = "Replace the hook token") -> Check:
    """A secret of our own making."""
    name = f"{name} <{fingerprint(secret)}>"
    if reason := weakness(secret, GOOD_TOKEN):
        return wrong(name, f"it {reason}: {harm}", f"{HOW_TO_MAKE_ONE}; deploy/operate.md, {section}")
    return good(name, "cannot be guessed")


def _key(name: str, key: str) -> Check:
    """The gateway makes them: a key that can be guessed is not a real one."""
    if reason := weakness(key, GOOD_KEY):
        return warning(name, f"it {reason}: no key looks like that", "copy it from the account's settings")
    return good(name, "looks like a key")


def _page(name: str, passwords: Sequence[str]) -> Check:
    """The passwords of Flower or the console."""
    for password in passwords:
        if reason := weakness(password, GOOD_PASSWORD):
            return wrong(name, f"a password {reason}", f"{HOW_TO_MAKE_ONE}; then restart {_PAGES[name]}")
    return good(name, "cannot be guessed")


def _password(name: str, host: str | None, password: str | None) -> Check:
    if is_local(host):
        return good(name, "on this machine")
    if not password:
        finding = "no password, and the server is on another machine"
        return warning(name, finding, "give it one; anyone who reaches the server reads and deletes everything")
    if reason := weakness(password, GOOD_PASSWORD):
        return wrong(name, f"its password {reason}", HOW_TO_MAKE_ONE)
    return good(name, "its password cannot be guessed")

"""Secrets: whether they can be guessed. They are looked at, and never shown."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from cli.checks import Check, good, warning, wrong
from cli.doctor.machine import is_local
from ingest.settings import GOOD_TOKEN
from ledger.keyspace import fingerprint
from runtime.redis_url import RedisServer
from runtime.settings import HOW_TO_MAKE_ONE
from workers.settings import WorkerSettings

LEAST_BITS = 64
GOOD_PASSWORD = 12
GOOD_KEY = 16
# What documents and examples say, and what people type.
_WELL_KNOWN = re.compile(
    r"(?i)change.?me|pass(word|wort)?|secret|example|long.random.word|your.*(key|token)|123456|qwert|letmein|^admin|^test|^token\W*$"
)


def weakness(word: str, shortest: int) -> str | None:
    """Why a secret can be guessed; None when it cannot."""
    if _WELL_KNOWN.search(word) and len(word) < 2 * shortest:
        return "is, or has in it, what everybody tries first"
    if len(word) < shortest:
        return f"has fewer than {shortest} characters"
    seen = Counter(word)
    bits = -sum(n * math.log2(n / len(word)) for n in seen.values())
    return None if bits >= min(LEAST_BITS, 3 * shortest) else "repeats itself"


def checks(
    settings: WorkerSettings,
    flower_basic_auth: SecretStr | None,
    used_at: Mapping[str, datetime] | None = None,
    *,
    emulated: bool,
) -> Iterator[Check]:
    """Each secret by its setting's name. `used_at` says when tokens last brought a delivery, by their fingerprints."""
    yield from _tokens(settings, used_at)
    for secret in settings.seven_hook_secret:
        harm = "whoever has a token, too, passes for the gateway"
        yield _ours("SEVEN_HOOK_SECRET", secret.get_secret_value(), harm, "Rotate secrets")
    if flower_basic_auth is not None:
        yield _flower(flower_basic_auth.get_secret_value())
    if not emulated:
        if settings.seven_api_key is not None:
            yield _key("SEVEN_API_KEY", settings.seven_api_key.get_secret_value())
        for key in settings.seven_signing_key:
            yield _key(f"SEVEN_SIGNING_KEY <{fingerprint(key.get_secret_value())}>", key.get_secret_value())
    yield _url("REDIS_URL", settings.redis_url)
    tls = RedisServer.parse(settings.redis_url.get_secret_value()).tls
    if tls and (tls["ssl_cert_reqs"] == "none" or not tls["ssl_check_hostname"]):
        said = "encrypted, and the certificate is not verified: any server may pass for it and read the password"
        yield warning("REDIS_URL", said, "ssl_ca_certs=FILE of its authority instead; deploy/README.md")
    if settings.database_url is not None:
        yield _url("DATABASE_URL", settings.database_url)


def _tokens(settings: WorkerSettings, used_at: Mapping[str, datetime] | None) -> Iterator[Check]:
    if not settings.seven_hook_token:
        yield warning("SEVEN_HOOK_TOKEN", "not set here: nothing was asked with it", "set it as for the receiver")
    for token in settings.seven_hook_token:
        told = token.get_secret_value()
        check = _ours("SEVEN_HOOK_TOKEN", told, "whoever guesses it writes into your tables")
        if used_at is None:
            yield check
            continue
        last = used_at.get(fingerprint(told))
        use = f"last brought a delivery {last:%Y-%m-%d %H:%M:%S} UTC" if last else "has brought no delivery yet"
        yield replace(check, said=f"{check.said}; {use}")


def _ours(name: str, told: str, harm: str, section: str = "Replacing the hook token") -> Check:
    """One that we have made ourselves."""
    name = f"{name} <{fingerprint(told)}>"
    if why := weakness(told, GOOD_TOKEN):
        return wrong(name, f"it {why}: {harm}", f"{HOW_TO_MAKE_ONE}; deploy/README.md, {section}")
    return good(name, "cannot be guessed")


def _key(name: str, told: str) -> Check:
    """The gateway makes them: one that can be guessed is none."""
    if why := weakness(told, GOOD_KEY):
        return warning(name, f"it {why}: no key looks like that", "copy it from the account's settings")
    return good(name, "looks like one")


def _flower(told: str) -> Check:
    for one in told.split(","):
        if why := weakness(one.partition(":")[2], GOOD_PASSWORD):
            return wrong("FLOWER_BASIC_AUTH", f"a password {why}", f"{HOW_TO_MAKE_ONE}; then restart Flower")
    return good("FLOWER_BASIC_AUTH", "cannot be guessed")


def _url(name: str, told: SecretStr) -> Check:
    parts = urlsplit(told.get_secret_value())
    if parts.scheme.startswith("sqlite") or is_local(parts.hostname):
        return good(name, "on this machine")
    if not parts.password:
        said = "no password, and the server is on another machine"
        return warning(name, said, "give it one; who reaches the server reads and deletes everything")
    if why := weakness(unquote(parts.password), GOOD_PASSWORD):
        return wrong(name, f"its password {why}", HOW_TO_MAKE_ONE)
    return good(name, "its password cannot be guessed")

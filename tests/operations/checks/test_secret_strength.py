"""Checks of secrets: which can be guessed. None is shown."""

import secrets
import uuid
from collections.abc import Mapping, Sequence

import pytest

from operations.checks.check import Check, Grade
from operations.checks.secret_strength import GOOD_TOKEN, checks, weakness
from tests.conftest import TOKEN
from workers.settings import WorkerSettings

STRONG = secrets.token_urlsafe(24)


def examined(
    passwords: Mapping[str, Sequence[str]] | None = None, emulated: bool = False, **values: object
) -> dict[str, Check]:
    settings = WorkerSettings(seven_hook_token=values.pop("seven_hook_token", TOKEN), **values)
    return {check.name: check for check in checks(settings, passwords or {}, emulated=emulated)}


def not_good(results: dict[str, Check]) -> dict[str, Grade]:
    return {name.partition(" ")[0]: check.grade for name, check in results.items() if check.grade is not Grade.GOOD}


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(STRONG, id="ours"),
        pytest.param(uuid.uuid4().hex, id="a uuid"),
        pytest.param("correct-horse-battery-staple-7", id="words"),
        pytest.param(secrets.token_hex(16), id="openssl rand -hex 16"),
        pytest.param(TOKEN, id="a test's"),
    ],
)
def test_strong_secrets(secret: str):
    """A random or long secret is good."""
    assert weakness(secret, GOOD_TOKEN) is None


@pytest.mark.parametrize(
    "secret",
    [
        "a-long-random-word", "another-long-word", "changeme-changeme-now", "your-api-key", "short-one", "password1234567890123",
        "a" * 40, "abababababababababababab", "1234567890123456789012", "secret-token-for-hooks", "testtesttesttesttest1",
    ],
)  # fmt: skip
def test_weak_secrets(secret: str):
    """Examples of documents, short secrets and repetitive ones can be guessed."""
    assert weakness(secret, GOOD_TOKEN)


def test_each_token():
    """One weak token is enough for an attacker; the check names it by its fingerprint."""
    results = examined(seven_hook_token=f"{STRONG},short-one")
    assert not_good(results) == {"SEVEN_HOOK_TOKEN": Grade.WRONG}
    assert STRONG not in repr(results)
    assert "short-one" not in repr(results)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"passwords": {"FLOWER_BASIC_AUTH": [STRONG]}}, {}, id="Flower"),
        pytest.param({"passwords": {"FLOWER_BASIC_AUTH": [STRONG, "guest"]}}, {"FLOWER_BASIC_AUTH": Grade.WRONG}, id="Flower's second"),
        pytest.param({"passwords": {"SEVEN_CONSOLE_AUTH": ["12345678"]}}, {"SEVEN_CONSOLE_AUTH": Grade.WRONG}, id="the console"),
        pytest.param({"seven_api_key": secrets.token_hex(20)}, {}, id="a key"),
        pytest.param({"seven_api_key": "your-api-key"}, {"SEVEN_API_KEY": Grade.WARNING}, id="no key"),
        pytest.param({"seven_api_key": "emulator", "emulated": True}, {}, id="the emulator's"),
        pytest.param({"seven_signing_key": secrets.token_hex(16)}, {}, id="a signing key"),
        pytest.param({"seven_signing_key": "secret"}, {"SEVEN_SIGNING_KEY": Grade.WARNING}, id="no signing key"),
        pytest.param({"redis_url": "redis://127.0.0.1:6379/0"}, {}, id="Redis here"),
        pytest.param({"redis_url": f"redis://:{STRONG}@redis:6379/0"}, {}, id="Redis elsewhere"),
        pytest.param({"redis_url": "redis://redis:6379/0"}, {"REDIS_URL": Grade.WARNING}, id="without a password"),
        pytest.param({"redis_url": "redis://:redis123@r:6379/0"}, {"REDIS_URL": Grade.WRONG}, id="a weak one"),
        pytest.param({"redis_url": f"rediss://:{STRONG}@r"}, {}, id="Redis, verified"),
        pytest.param({"redis_url": f"rediss://:{STRONG}@r?ssl_cert_reqs=none"}, {"REDIS_URL": Grade.WARNING}, id="unverified"),
        pytest.param({"redis_url": f"rediss://:{STRONG}@r?ssl_check_hostname=no"}, {"REDIS_URL": Grade.WARNING}, id="any name"),
        pytest.param({"database_url": f"postgresql://u:{STRONG}@db/x"}, {}, id="PostgreSQL elsewhere"),
        pytest.param({"database_url": "postgresql://u:postgres@db/x"}, {"DATABASE_URL": Grade.WRONG}, id="its name"),
        pytest.param({"database_url": "postgresql:///x"}, {}, id="by a socket"),
        pytest.param({"database_url": "sqlite:///x.db"}, {}, id="SQLite"),
    ],
)  # fmt: skip
def test_other_secrets(values: dict[str, object], expected: dict[str, Grade]):
    """Passwords count where the server is on another machine; no check shows a secret."""
    results = examined(**values)
    assert not_good(results) == expected
    assert STRONG not in repr(results)

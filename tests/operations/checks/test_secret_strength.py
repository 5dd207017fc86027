"""doctor: which secrets can be guessed, and that none is shown."""

import secrets
import uuid
from pathlib import Path

import pytest
from pydantic import SecretStr

from operations.checks import machine
from operations.checks.check import Check, Grade
from operations.checks.secret_strength import GOOD_TOKEN, checks, weakness
from tests.conftest import TOKEN
from workers.settings import WorkerSettings

STRONG = secrets.token_urlsafe(24)


def examined(flower: str | None = None, emulated: bool = False, **told: object) -> dict[str, Check]:
    settings = WorkerSettings(seven_hook_token=told.pop("seven_hook_token", TOKEN), **told)
    return {one.name: one for one in checks(settings, SecretStr(flower) if flower else None, emulated=emulated)}


def not_good(found: dict[str, Check]) -> dict[str, Grade]:
    return {name.partition(" ")[0]: one.grade for name, one in found.items() if one.grade is not Grade.GOOD}


@pytest.mark.parametrize(
    "word",
    [
        pytest.param(STRONG, id="ours"),
        pytest.param(uuid.uuid4().hex, id="a uuid"),
        pytest.param("correct-horse-battery-staple-7", id="words"),
        pytest.param(secrets.token_hex(16), id="openssl rand -hex 16"),
        pytest.param(TOKEN, id="a test's"),
    ],
)
def test_good_words(word: str):
    """What was made by chance, or is long, is good."""
    assert weakness(word, GOOD_TOKEN) is None


@pytest.mark.parametrize(
    "word",
    [
        "a-long-random-word", "changeme-changeme-now", "your-api-key", "short-one", "password1234567890123",
        "a" * 40, "abababababababababababab", "1234567890123456789012", "secret-token-for-hooks", "testtesttesttesttest1",
    ],
)  # fmt: skip
def test_words_that_can_be_guessed(word: str):
    """What documents show, what is short, and what repeats itself."""
    assert weakness(word, GOOD_TOKEN)


def test_each_token():
    """One weak token is enough for a stranger; it is named by its fingerprint."""
    found = examined(seven_hook_token=f"{STRONG},short-one")
    assert not_good(found) == {"SEVEN_HOOK_TOKEN": Grade.WRONG}
    assert STRONG not in repr(found)
    assert "short-one" not in repr(found)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"flower": f"ops:{STRONG}"}, {}, id="Flower"),
        pytest.param({"flower": f"ops:{STRONG},guest:guest"}, {"FLOWER_BASIC_AUTH": Grade.WRONG}, id="Flower's second"),
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
def test_other_secrets(told: dict[str, object], expected: dict[str, Grade]):
    """Passwords count where the server is on another machine; no secret is repeated."""
    found = examined(**told)
    assert not_good(found) == expected
    assert STRONG not in repr(found)


@pytest.mark.parametrize(
    ("left", "all_", "grade"),
    [
        pytest.param(50 * 1024**3, 100 * 1024**3, Grade.GOOD, id="room"),
        pytest.param(5 * 1024**3, 100 * 1024**3, Grade.WARNING, id="little"),
        pytest.param(1024**2, 100 * 1024**3, Grade.WRONG, id="none"),
    ],
)
def test_disks(left: int, all_: int, grade: Grade):
    """A disk that fills is warned of, one that is full is wrong."""
    found = list(machine.checks({"data": (left, all_)}, 4096, [], None, alone=True))
    assert [one.grade for one in found] == [grade, Grade.GOOD]


def test_the_disks_of_this_machine(tmp_path: Path):
    """Each is measured once; one that is not there yet, where it would be."""
    found = machine.free([tmp_path, tmp_path, tmp_path / "nowhere"])
    assert [0 < left <= all_ for left, all_ in found.values()] == [True]


@pytest.mark.parametrize(
    ("status", "alone", "grade"),
    [
        pytest.param(401, False, Grade.GOOD, id="asks"),
        pytest.param(302, False, Grade.GOOD, id="OAuth"),
        pytest.param(503, False, Grade.WARNING, id="broken"),
        pytest.param(200, True, Grade.GOOD, id="open on this machine"),
        pytest.param(200, False, Grade.WRONG, id="open to all"),
    ],
)
def test_flowers_door(status: int, alone: bool, grade: Grade):
    """Whoever reaches Flower sees every worker."""
    found = {one.name: one.grade for one in machine.checks({}, 4096, [], status, alone=alone)}
    assert found["Flower"] is grade

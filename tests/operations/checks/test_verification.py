"""Checks of verification: whether it is safe to enforce."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.keyspace import fingerprint
from ledger.verification_stats import VerificationStats
from operations.checks import secret_strength
from operations.checks.check import Check, Grade, Unread
from operations.checks.verification import Verifiers, checks
from tests.conftest import TOKEN
from workers.settings import WorkerSettings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "some-secret-of-hooks"
URL, KEY, OLDER = "https://hooks.example.com", "0123abcd-of-the-account", "0123abcd-of-before"
SETTINGS = WorkerSettings(
    seven_hook_token=TOKEN, seven_public_url=URL, seven_signing_key=f"{KEY},{OLDER}", seven_hook_secret=SECRET
)
BY = f"{fingerprint(URL)}:{fingerprint(KEY)}"
BY_OLDER = f"{fingerprint(URL)}:{fingerprint(OLDER)}"
OTHERS = "aaaaaaaaaaaa:bbbbbbbbbbbb"
NONE = VerificationStats(None, {}, {}, None, None)


def statistics(
    mode: str | None = "observe", held: Mapping[str, int] | None = None, ago: timedelta | None = None, foreign: int = 0
) -> VerificationStats:
    flawed_at = None if ago is None else NOW - ago
    return VerificationStats(mode, held or {}, {}, None if ago is None else "mismatch", flawed_at, foreign)


def examined(signature: VerificationStats, secret: VerificationStats = NONE) -> list[Check]:
    return list(checks(Verifiers({"signature": signature, "secret": secret}, {}), SETTINGS, NOW))


@pytest.mark.parametrize(
    ("stats", "grade", "finding"),
    [
        pytest.param(statistics(None), Grade.UNKNOWN, "no receiver", id="unpublished"),
        pytest.param(statistics("off"), Grade.WARNING, "a token alone", id="off"),
        pytest.param(statistics(), Grade.GOOD, "the last 0 deliveries verified; with 1,000 in a row", id="nothing yet"),
        pytest.param(statistics(held={BY: 999}), Grade.GOOD, "the last 999 deliveries verified, 999 by", id="not enough"),
        pytest.param(statistics(held={BY: 900, BY_OLDER: 100}), Grade.GOOD, "safe to set SEVEN_SIGNATURE_MODE=enforce", id="enough"),
        pytest.param(statistics(held={BY: 5000}, ago=timedelta(hours=2)), Grade.GOOD, "safe to set", id="enough since a flaw"),
        pytest.param(statistics(held={BY: 5}, ago=timedelta(hours=2)), Grade.WARNING, "did not (mismatch), 2 h ago", id="few since a flaw"),
        pytest.param(statistics(held={OTHERS: 5000}), Grade.GOOD, "the last 0 deliveries verified; 5,000 more by a key", id="by another key"),
        pytest.param(statistics(held={OTHERS: 5000, BY: 1000}), Grade.GOOD, "safe to set", id="by another key before"),
        pytest.param(statistics(held={BY: 1000}, foreign=3), Grade.GOOD, "3 from other addresses did not", id="a token that got out"),
        pytest.param(statistics("enforce", {BY: 7}), Grade.GOOD, f"7 by {URL} and key <{fingerprint(KEY)}>, the current one", id="enforced"),
        pytest.param(statistics("enforce", {BY_OLDER: 7}), Grade.GOOD, f"<{fingerprint(OLDER)}>, an older one", id="by an older key"),
        pytest.param(statistics("enforce", {BY: 7}, timedelta(hours=1)), Grade.WARNING, "one was refused (mismatch), 1 h ago", id="refused"),
        pytest.param(statistics("enforce", {BY: 7}, timedelta(days=2)), Grade.GOOD, "enforced", id="refused long ago"),
        pytest.param(statistics("enforce", {OTHERS: 7}), Grade.GOOD, "<aaaaaaaaaaaa> and <bbbbbbbbbbbb>", id="by others"),
    ],
)  # fmt: skip
def test_findings(stats: VerificationStats, grade: Grade, finding: str):
    """Enforcing is safe after a thousand in a row by keys and URLs that are set here; other senders do not count."""
    (check,) = examined(stats)
    assert check.grade is grade
    assert finding in check.finding
    assert KEY not in repr(check)
    assert bool(check.remedy) == (grade is not Grade.GOOD)


def test_the_secret_header_is_optional():
    """It has a check only where it is in use."""
    assert [check.name for check in examined(statistics(), statistics("off"))] == ["signature"]
    (_, secret) = examined(statistics(), statistics("observe", {fingerprint(SECRET): 1000}))
    assert "SEVEN_HOOK_SECRET_MODE=enforce" in secret.finding


def test_redis_is_unreachable():
    """Verification is unknown then."""
    (check,) = checks(Unread("ConnectionError"), SETTINGS, NOW)
    assert check.grade is Grade.UNKNOWN


def test_when_tokens_were_used():
    """The check of each token shows when it last delivered, or that it has not."""
    settings = WorkerSettings(seven_hook_token=f"{TOKEN},another-{TOKEN}")
    used: dict[str, Any] = {fingerprint(TOKEN): NOW}
    first, second, *_ = secret_strength.checks(settings, {}, used, emulated=True)
    assert "last delivered 2026-11-25 12:00:00 UTC" in first.finding
    assert "has not delivered yet" in second.finding

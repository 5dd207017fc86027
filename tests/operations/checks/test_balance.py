"""The check of the balance: what it says of each state that the last read can leave."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.balance import Balance
from gateway.balance_state import BalanceState, BalanceStates
from gateway.factory import Account
from ledger.client import Ledger
from operations.checks.balance import check, read
from operations.checks.check import Grade

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
EVERY_S = 300.0


def state(
    amount: str = "54.218",
    currency: str = "EUR",
    ago_s: float = 60,
    failure: str | None = None,
    code: str | None = None,
) -> BalanceState:
    read_at = NOW - timedelta(seconds=ago_s)
    return BalanceState(Balance(Decimal(amount), currency), int(read_at.timestamp() * 1000), failure, code)


@pytest.mark.parametrize(
    ("state", "grade", "finding"),
    [
        pytest.param(state(), Grade.GOOD, "54.218 EUR, last read 1 min ago", id="enough"),
        pytest.param(state("10"), Grade.GOOD, "10 EUR, last read 1 min ago", id="just enough"),
        pytest.param(state("9.999"), Grade.WARNING, "9.999 EUR, last read 1 min ago; below SEVEN_BALANCE_LOW_EUROS=10", id="low"),
        pytest.param(state("-0.5"), Grade.WARNING, "-0.5 EUR, last read 1 min ago; below SEVEN_BALANCE_LOW_EUROS=10", id="below zero"),
        pytest.param(state("5", "USD"), Grade.WARNING, "5 USD, last read 1 min ago; not in euros, so nothing warns of a low one", id="no euros"),
        pytest.param(BalanceState(), Grade.WARNING, "not read yet", id="never"),
        pytest.param(state(ago_s=959), Grade.GOOD, "54.218 EUR, last read 15 min 59 s ago", id="a delay"),
        pytest.param(state(ago_s=3600), Grade.UNKNOWN, "unknown, last read 1 h ago", id="overdue"),
        pytest.param(state(ago_s=-3600), Grade.UNKNOWN, "unknown, last read 1 h in the future by Redis' clock", id="a clock set back"),
        pytest.param(state(failure="the gateway does not answer"), Grade.UNKNOWN,
                     "unknown, last read 1 min ago: the gateway does not answer", id="a failed read"),
        pytest.param(BalanceState(failure="900: the API key is wrong", failure_code="900"), Grade.UNKNOWN,
                     "unknown, never read: 900: the API key is wrong", id="never, since it failed"),
        pytest.param(state(failure="902: it may not", code="902"), Grade.WARNING,
                     "unknown, last read 1 min ago: 902: it may not", id="a key without this right"),
    ],
)  # fmt: skip
def test_each_state_has_its_grade(state: BalanceState, grade: Grade, finding: str):
    """An old balance, or that before a failure, is never shown as the present one."""
    made = check(state, EVERY_S, 10, NOW)
    assert (made.name, made.grade, made.finding) == ("balance", grade, finding)
    assert bool(made.remedy) == (grade is not Grade.GOOD)


def test_the_limit_may_be_below_zero():
    """As for accounts that may overdraw."""
    assert check(state("-5"), EVERY_S, -10, NOW).grade is Grade.GOOD
    assert check(state("-11"), EVERY_S, -10, NOW).grade is Grade.WARNING


def test_the_console_reads_the_latest_balance(ledger: Ledger):
    """It has no API key; whoever has one reads that account's alone, and without an account there is no check."""
    account, other = (Account("https://gateway.example/api", key) for key in ("a-key", "another-key"))
    nobody = Account(account.api_url, None)
    assert read(ledger.redis, nobody, knows_account=False) is None
    BalanceStates(ledger.redis, account.identity).save(state())
    assert read(ledger.redis, nobody, knows_account=False) == state()
    assert read(ledger.redis, account, knows_account=True) == state()
    assert read(ledger.redis, other, knows_account=True) == BalanceState()
    assert read(ledger.redis, nobody, knows_account=True) is None

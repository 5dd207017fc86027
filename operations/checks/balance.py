"""Balance: whether the account has enough left to send with."""

from datetime import datetime, timedelta

from redis import Redis

from gateway.balance_state import BalanceState, BalanceStates, latest_balance
from gateway.factory import Account
from ledger.schedules import is_late
from operations.checks.ages import AHEAD, SET_BACK, when
from operations.checks.check import Check, good, unknown, warning

NAME = "balance"
_NO_RIGHT = "902"
"""The gateway's error code for a key that may not read the balance."""


def read(redis: Redis, account: Account, *, knows_account: bool) -> BalanceState | None:
    """What the last scheduled read left; None where none is read. Raises redis.RedisError."""
    if not knows_account:
        return latest_balance(redis)
    return BalanceStates(redis, account.identity).load() if account.api_key else None


def check(state: BalanceState, every_s: float, low_euros: float, now: datetime) -> Check:
    """Judge the last scheduled read, one of which is due every so many seconds.

    Once a read has failed, or is overdue, the balance counts as unknown.
    """
    age = None if state.read_ms is None else timedelta(milliseconds=now.timestamp() * 1000 - state.read_ms)
    read_at = "never read" if age is None else f"last read {when(age)}"
    if state.failure:
        finding = f"unknown, {read_at}: {state.failure}"
        # a key without this right is somebody's choice, and no server that does not answer
        grade = warning if state.failure_code == _NO_RIGHT else unknown
        return grade(NAME, finding, "deploy/alerts.md, The balance is low")
    if age is None or state.last is None:
        return warning(NAME, "not read yet", "a worker reads it when it starts")
    if age < AHEAD or is_late(age.total_seconds(), every_s):
        return unknown(NAME, f"unknown, {read_at}", SET_BACK if age < AHEAD else "are beat and a worker running?")
    finding = f"{state.last.amount:f} {state.last.currency}, {read_at}"
    if not state.last.is_in_euros:
        return warning(NAME, f"{finding}; not in euros, so nothing warns of a low one", "watch it in the account")
    if state.last.amount < low_euros:
        return warning(NAME, f"{finding}; below SEVEN_BALANCE_LOW_EUROS={low_euros:g}", "top up the account")
    return good(NAME, finding)

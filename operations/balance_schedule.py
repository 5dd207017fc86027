"""Scheduled reads of the account's balance: Redis holds the result, so that every worker exports it as metrics."""

from collections.abc import Iterator
from dataclasses import replace

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from gateway.api import Api, GatewayFailure, GatewayRefused
from gateway.balance import read_balance
from gateway.balance_state import BalanceState, BalanceStates
from gateway.factory import Account
from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.schedules import is_recent
from runtime.logs import logger

log = logger("seven.balance")


class BalanceReader:
    """Reads for all workers: the result is theirs alike. Every call raises redis.RedisError while Redis is down."""

    def __init__(self, ledger: Ledger, account: Account, every_s: float) -> None:
        self._ledger, self._account, self._every_s = ledger, account, every_s
        self._states = BalanceStates(ledger.redis, account.identity)

    def run(self) -> None:
        """Read and store the balance, unless another worker has just done so; log a failure that is new."""
        before = self._states.load()
        if before.failure is None and 0 <= self._age_s(before) < self._every_s / 2:
            return
        state = self._read(before)
        self._states.save(state)
        if state.failure is None and before.failure:
            log.warning("the balance can be read again")
        elif state.failure and state.failure != before.failure:
            log.warning("balance not read", cause=state.failure)

    def load_current(self) -> tuple[BalanceState, bool]:
        """The state after the last read, and whether its balance is recent: no good read is overdue."""
        state = self._states.load()
        return state, is_recent(self._age_s(state), self._every_s)

    def _read(self, before: BalanceState) -> BalanceState:
        account = self._account
        try:
            with Api(account.api_url, account.api_key or "", account.signing_key) as api:
                balance = read_balance(api)
        except GatewayFailure as failure:
            code = failure.code if isinstance(failure, GatewayRefused) else None
            return replace(before, failure=str(failure), failure_code=code)
        return BalanceState(balance, now_ms(self._ledger.redis))

    def _age_s(self, state: BalanceState) -> float:
        """Seconds since the balance was read; below zero if never, or if Redis' clock has been set back since."""
        return -1.0 if state.read_ms is None else (now_ms(self._ledger.redis) - state.read_ms) / 1000


class BalanceMetrics(Collector):
    """The balance that was last read: the same from every worker, regardless of which one read it."""

    def __init__(self, reader: BalanceReader | None, low_euros: float) -> None:
        """None where no balance is read: then nothing is exported. `low_euros`: when it counts as low."""
        self._reader, self._low_euros = reader, low_euros

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while Redis is unavailable, and no overdue balance: stale figures would look like good ones."""
        if self._reader is None:
            return
        try:
            state, is_current = self._reader.load_current()
        except RedisError:
            return
        yield GaugeMetricFamily(
            "seven_balance_last_read_timestamp_seconds",
            "When the account's balance was last read; 0 for never.",
            value=(state.read_ms or 0) / 1000,
        )
        yield GaugeMetricFamily(
            "seven_balance_low_euros", "SEVEN_BALANCE_LOW_EUROS: a balance below it is low.", value=self._low_euros
        )
        if state.last and state.last.is_in_euros and is_current:
            yield GaugeMetricFamily(
                "seven_balance_euros", "The account's balance, if it is in euros.", value=float(state.last.amount)
            )


def balance_reader(ledger: Ledger, account: Account, every_s: float) -> BalanceReader | None:
    """The reader of an account's balance; None without an API key."""
    return BalanceReader(ledger, account, every_s) if account.api_key else None

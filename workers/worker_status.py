"""Worker status: the gauges that each worker exports beside its own counters, and whether it is ready."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from gateway.hook_state import HookStates
from ledger.client import Ledger
from operations.audit_schedule import AuditMetrics
from operations.balance_schedule import BalanceMetrics, balance_reader
from operations.delivery_rate_schedule import DeliveryRateMetrics
from operations.journal_metrics import JournalMetrics
from operations.public_url_probe import PublicUrlMetrics, public_url_probe
from operations.retention_metrics import RetentionMetrics
from store.circuit_breaker import CircuitBreaker
from workers.metrics import HookMetrics, LedgerMetrics, StoreMetrics, unready_reasons
from workers.settings import WorkerSettings

SCRAPE_TIMEOUT_S = 1.0
"""Redis timeout of each query of a scrape; Prometheus gives up after ten seconds."""


def worker_status(
    settings: WorkerSettings, breaker: CircuitBreaker, queues: Callable[[], Collection[str]]
) -> dict[str, Any]:
    """A worker's gauges and its readiness check, with the short Redis timeout of a scrape; `queues`: its own."""
    ledger = Ledger(settings.redis_url.get_secret_value(), SCRAPE_TIMEOUT_S)
    account = settings.account
    gauges = (
        LedgerMetrics(ledger),
        StoreMetrics(breaker),
        HookMetrics(HookStates(ledger.redis, account.identity), watched=account.missing_settings is None),
        AuditMetrics(ledger.redis),
        RetentionMetrics(ledger.redis),
        *([JournalMetrics(ledger.redis, account.identity)] if settings.reads_journal else []),
        PublicUrlMetrics(public_url_probe(ledger, account, settings.seven_probe_s)),
        DeliveryRateMetrics(ledger),
        BalanceMetrics(balance_reader(ledger, account, settings.seven_hooks_s), settings.seven_balance_low_euros),
    )
    return {"live": gauges, "ready": partial(unready_reasons, ledger.redis, breaker, queues)}

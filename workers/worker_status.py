"""Worker status: the gauges that each worker exports beside its own counters, and whether it is ready."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from prometheus_client.registry import Collector
from redis import Redis

from gateway.hook_state import HookStates
from ledger.announcements import remote_control_channel
from ledger.client import Ledger
from ledger.health import unusable_reasons
from operations.audit_schedule import AuditMetrics
from operations.balance_schedule import BalanceMetrics, balance_reader
from operations.delivery_rate_schedule import DeliveryRateMetrics
from operations.journal_metrics import JournalMetrics
from operations.public_url_probe import PublicUrlMetrics, public_url_probe
from operations.retention_metrics import RetentionMetrics
from runtime.status_server import Reasons
from store.circuit_breaker import CircuitBreaker
from workers.metrics import HookMetrics, LedgerMetrics, StoreMetrics
from workers.settings import WorkerSettings

SCRAPE_TIMEOUT_S = 1.0
"""Redis timeout of each query of a scrape; Prometheus gives up after ten seconds."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker's gauges, read at each scrape, and its readiness check."""

    collectors: Sequence[Collector]
    ready: Reasons


def worker_status(
    settings: WorkerSettings, breaker: CircuitBreaker, queues: Callable[[], Collection[str]]
) -> WorkerStatus:
    """The status of a worker, with the short Redis timeout of a scrape; `queues`: those that it consumes."""
    ledger = Ledger(settings.redis_url.get_secret_value(), SCRAPE_TIMEOUT_S)
    account = settings.account
    collectors = (
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
    return WorkerStatus(collectors, partial(unready_reasons, ledger.redis, breaker, queues))


def unready_reasons(redis: Redis, breaker: CircuitBreaker, queues: Callable[[], Collection[str]]) -> list[str]:
    """Reasons why a worker could not consume now: the breaker's, the ledger's within the client's timeout."""
    unusable = unusable_reasons(redis, remote_control_channel(redis), queues())
    return [*([str(breaker.hold)] if breaker.hold else []), *unusable]

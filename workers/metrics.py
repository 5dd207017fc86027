"""Prometheus metrics of workers: counters, and gauges of ledger, store and hooks. `docs/metrics.md` lists all."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from gateway.hook_evidence import CODES
from gateway.hook_state import HookStates
from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.stats import ledger_stats
from seven.archive_records import ArchivedDelivery
from seven.events import QUEUES, label_of
from seven.journal import JOURNAL
from seven.record import Record
from seven.records import OptOutEvent
from store.circuit_breaker import CircuitBreaker

MINUTE, HOUR, DAY = 60, 3600, 86_400
_LAG_BUCKETS = (
    *(1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 65 * MINUTE, 90 * MINUTE, 2 * HOUR, 125 * MINUTE),
    *(3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY),
)
"""Narrow above one and two hours: a quantile is interpolated within a bucket, and a wrong time zone is that late."""


class WorkerMetrics:
    """The counters of one worker."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._consumed = Counter(
            "seven_deliveries_consumed",
            "Deliveries whose rows are committed, by outcome.",
            ("event_type", "outcome"),
            registry=registry,
        )
        self._batch = Histogram(
            "seven_consumed_batch_deliveries",
            "Deliveries in one transaction.",
            buckets=(1, 4, 16, 64, 256, 1024, 4096),
            registry=registry,
        )
        self._seconds = Histogram(
            "seven_consume_seconds",
            "Seconds from taking batches to committing and settling them.",
            ("queue",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self._lag = Histogram(
            "seven_provider_lag_seconds",
            "Seconds from an event's own time to its arrival here, first attempts and retries alike.",
            ("event_type",),
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._remarked = Counter(
            "seven_deliveries_remarked",
            "Deliveries applied without an optional time or figure that made no sense.",
            ("event_type",),
            registry=registry,
        )
        self._opt_outs = Counter(
            "seven_opt_outs",
            "Stop words (out) and start words (in) that were consumed, repeats included.",
            ("state",),
            registry=registry,
        )
        for state in ("out", "in"):
            self._opt_outs.labels(state)
        self.sweeps = Counter("seven_sweeps", "Passes of the sweep.", registry=registry)
        self._swept = Counter("seven_swept_batches", "Batches announced again.", ("queue",), registry=registry)
        for queue in QUEUES:  # exported from the start: the first dead letter must be an increase
            self._swept.labels(queue)
            self._remarked.labels(label_of(queue))
            for outcome in ("applied", "parked", "quarantined", "dead"):
                self._consumed.labels(label_of(queue), outcome)

    def consumed(self, queue: str, outcomes: Sequence[str], seconds: float) -> None:
        """Count one transaction, which is committed and settled."""
        for outcome, deliveries in Tally(outcomes).items():
            self._consumed.labels(label_of(queue), outcome).inc(deliveries)
        self._batch.observe(len(outcomes))
        self._seconds.labels(queue).observe(seconds)

    def remarked(self, queue: str, deliveries: Iterable[ArchivedDelivery]) -> None:
        """Count the deliveries with a remark."""
        self._remarked.labels(label_of(queue)).inc(sum(delivery.remark is not None for delivery in deliveries))

    def lag(self, queue: str, deliveries: Iterable[ArchivedDelivery]) -> None:
        """Observe the lag of applied deliveries; one from the future, by a wrong clock, counts as 0.

        What was read from the journal was not sent by the gateway, so it has none.
        """
        lag = self._lag.labels(label_of(queue))
        for delivery in deliveries:
            if delivery.request_method == JOURNAL:
                continue
            if delivery.event_at and delivery.received_at and delivery.outcome == "applied":
                lag.observe(max(0.0, (delivery.received_at - delivery.event_at).total_seconds()))

    def opted(self, records: Iterable[Record]) -> None:
        """Count the opt-outs among the records of one transaction."""
        for record in records:
            if isinstance(record, OptOutEvent):
                self._opt_outs.labels(record.state).inc()

    def swept(self, queue: str, batches: int) -> None:
        """Count batches that were announced again."""
        self._swept.labels(queue).inc(batches)


class LedgerMetrics(Collector):
    """Gauges of the ledger and the broker's queues, the same from every worker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing while Redis is down: a stale figure would look valid."""
        try:
            statistics = ledger_stats(self._ledger, QUEUES)
        except RedisError:
            return
        queues = statistics.figures.queues
        now = statistics.figures.now
        waits = {
            queue: (now - figures.oldest_at).total_seconds() if figures.oldest_at else 0.0
            for queue, figures in queues.items()
        }
        lengths = {queue: figures.announcements for queue, figures in queues.items()}
        lengths[CLOCK] = statistics.clock_announcements
        pending = {queue: figures.pending for queue, figures in queues.items()}
        yield gauges("seven_ledger_pending_batches", "Batches in the ledger.", "queue", pending)
        yield gauges("seven_ledger_oldest_pending_seconds", "Seconds that the oldest has waited.", "queue", waits)
        yield gauges(
            "seven_queue_announcements", "Announcements that no worker has taken from the broker.", "queue", lengths
        )
        yield GaugeMetricFamily(
            "seven_unacked_announcements", "Announcements taken and not yet acknowledged.", value=statistics.unacked
        )
        yield gauges(
            "seven_last_delivery_timestamp_seconds",
            "When the last delivery was accepted; none before the first.",
            "event_type",
            {label_of(queue): at.timestamp() for queue, at in statistics.last_at.items()},
        )


class HookMetrics(Collector):
    """Gauges of the hooks after the last reconciliation, the same from every worker."""

    def __init__(self, states: HookStates, *, watched: bool) -> None:
        self._states, self._watched = states, watched

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing if the hooks are not watched or Redis is down: a stale figure would look valid."""
        if not self._watched:
            return
        try:
            state = self._states.load()
        except RedisError:
            return
        yield GaugeMetricFamily(
            "seven_hooks_last_read_timestamp_seconds",
            "When the hooks were last read at the gateway; 0 for never.",
            value=(state.read_ms or 0) / 1000,
        )
        if state.read_ms is not None:
            yield GaugeMetricFamily("seven_hooks_drift", "Hooks that are not as desired.", value=state.drift)
            held = GaugeMetricFamily(
                "seven_hooks_held", "1 while hooks are left unchanged, by reason.", labels=["reason"]
            )
            for code in CODES:
                held.add_metric([code], float(code in dict(state.holds)))
            yield held


class StoreMetrics(Collector):
    """Whether this worker holds its batches because the database is down."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker

    def collect(self) -> Iterator[Metric]:
        """Yield the start of the hold only during a hold."""
        hold = self._breaker.hold
        yield GaugeMetricFamily(
            "seven_store_held", "1 while the database is down and batches are held.", value=float(bool(hold))
        )
        yield CounterMetricFamily("seven_store_holds", "Number of holds.", value=self._breaker.holds)
        if hold:
            yield GaugeMetricFamily(
                "seven_store_held_since_timestamp_seconds",
                "Start of the present hold.",
                value=hold.since.timestamp(),
            )


def gauges(name: str, meaning: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    """A gauge with one sample for each value of a label."""
    family = GaugeMetricFamily(name, meaning, labels=(label,))
    for label_value, value in values.items():
        family.add_metric((label_value,), value)
    return family

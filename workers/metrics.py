"""Metrics: what a worker counts, and tells of ledger, store and hooks, for Prometheus. `docs/metrics.md` lists all."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from gateway.hook_evidence import CODES
from gateway.hook_state import HookStates
from ledger.announcements import CLOCK, remote_control_channel
from ledger.client import Ledger
from ledger.health import unusable
from ledger.stats import ledger_stats
from seven.events import QUEUES, label_of
from seven.records import ArchivedDelivery
from store.circuit_breaker import CircuitBreaker

MINUTE, HOUR, DAY = 60, 3600, 86_400


class WorkerMetrics:
    """The counters of one worker."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._consumed = Counter(
            "seven_deliveries_consumed",
            "Deliveries whose rows are committed, by what became of them.",
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
            "From batches in hand to their rows committed and settled.",
            ("queue",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=registry,
        )
        self._lag = Histogram(
            "seven_provider_lag_seconds",
            "From what an event tells as its time to its arrival here, first attempts and retries alike.",
            ("event_type",),
            buckets=(1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 4 * DAY),
            registry=registry,
        )
        self.sweeps = Counter("seven_sweeps", "Passes of the sweep.", registry=registry)
        self._swept = Counter("seven_swept_batches", "Batches announced again.", ("queue",), registry=registry)
        for queue in QUEUES:  # there from the start: the first dead letter has to be an increase
            self._swept.labels(queue)
            for outcome in ("applied", "parked", "quarantined", "dead"):
                self._consumed.labels(label_of(queue), outcome)

    def consumed(self, queue: str, outcomes: Sequence[str], seconds: float) -> None:
        """One transaction is committed and settled."""
        for outcome, deliveries in Tally(outcomes).items():
            self._consumed.labels(label_of(queue), outcome).inc(deliveries)
        self._batch.observe(len(outcomes))
        self._seconds.labels(queue).observe(seconds)

    def lag(self, queue: str, deliveries: Iterable[ArchivedDelivery]) -> None:
        """These have been applied; one from the future, by a clock that is wrong, counts as told at once."""
        lag = self._lag.labels(label_of(queue))
        for delivery in deliveries:
            if delivery.event_at and delivery.received_at and delivery.outcome == "applied":
                lag.observe(max(0.0, (delivery.received_at - delivery.event_at).total_seconds()))

    def swept(self, queue: str, batches: int) -> None:
        """So many batches were announced again."""
        self._swept.labels(queue).inc(batches)


class LedgerMetrics(Collector):
    """How the ledger and the broker's queues stand: the same from every worker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while Redis is away: an old figure would look like a good one."""
        try:
            told = ledger_stats(self._ledger, QUEUES)
        except RedisError:
            return
        queues = told.figures.queues
        now = told.figures.now
        waits = {
            queue: (now - one.oldest_at).total_seconds() if one.oldest_at else 0.0 for queue, one in queues.items()
        }
        lengths = {queue: one.announcements for queue, one in queues.items()} | {CLOCK: told.clock_announcements}
        pending = {queue: one.pending for queue, one in queues.items()}
        yield gauges("seven_ledger_pending_batches", "Batches in the ledger.", "queue", pending)
        yield gauges("seven_ledger_oldest_pending_seconds", "How long the oldest of them has waited.", "queue", waits)
        yield gauges(
            "seven_queue_announcements", "Announcements that nobody has taken from the broker.", "queue", lengths
        )
        yield GaugeMetricFamily("seven_unacked_announcements", "Those taken, and not ended yet.", value=told.unacked)
        yield gauges(
            "seven_last_delivery_timestamp_seconds",
            "When the last delivery was accepted; none before the first.",
            "event_type",
            {label_of(queue): at.timestamp() for queue, at in told.last_at.items()},
        )


class HookMetrics(Collector):
    """How the hooks stand, by the memory of the last reconciling: the same from every worker, whichever did it."""

    def __init__(self, memories: HookStates, *, watched: bool) -> None:
        self._memories, self._watched = memories, watched

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing where nobody reads them, nor while Redis is away: an old figure would look like a good one."""
        if not self._watched:
            return
        try:
            memory = self._memories.recall()
        except RedisError:
            return
        yield GaugeMetricFamily(
            "seven_hooks_last_read_timestamp_seconds",
            "When the hooks could last be read at the gateway; 0 for never.",
            value=(memory.read_ms or 0) / 1000,
        )
        if memory.read_ms is not None:
            yield GaugeMetricFamily("seven_hooks_drift", "Hooks that are not as desired.", value=memory.drift)
            held = GaugeMetricFamily(
                "seven_hooks_held", "1 where hooks are left as they are, by reason.", labels=["reason"]
            )
            for code in CODES:
                held.add_metric([code], float(code in dict(memory.holds)))
            yield held


class StoreMetrics(Collector):
    """Whether this worker holds its batches because the database takes nothing."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker

    def collect(self) -> Iterator[Metric]:
        """Always whether; since when, only while it does."""
        hold = self._breaker.hold
        yield GaugeMetricFamily(
            "seven_store_held", "1 while the database takes nothing and batches are held.", value=float(bool(hold))
        )
        yield CounterMetricFamily("seven_store_holds", "How often that began.", value=self._breaker.holds)
        if hold:
            yield GaugeMetricFamily(
                "seven_store_held_since_timestamp_seconds",
                "Since when the database has taken nothing.",
                value=hold.since.timestamp(),
            )


def gauges(name: str, meaning: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    """One figure for each value of a label."""
    family = GaugeMetricFamily(name, meaning, labels=(label,))
    for told, value in values.items():
        family.add_metric((told,), value)
    return family


def hindrances(redis: Redis, breaker: CircuitBreaker) -> list[str]:
    """Why a worker could not consume now: its ledger asked within the client's timeout, its store as last found."""
    return [*([str(breaker.hold)] if breaker.hold else []), *unusable(redis, remote_control_channel(redis))]

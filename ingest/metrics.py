"""Metrics: what a receiver counts and how it stands, for Prometheus. `docs/metrics.md` lists all."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.readiness import Readiness
from ledger.writer import NotAccepted
from seven.events import QUEUES, label_of
from seven.signing import Flaw

STRANGER = "stranger"
METHOD = "method"
TOO_LARGE = "too_large"
UNDECODABLE = "undecodable"
TOO_MUCH_PARKED = "too_much_parked"
QUARANTINED = "quarantined"
TOO_MUCH_QUARANTINED = "too_much_quarantined"
MALFORMED = "malformed"
HEAD_TOO_LARGE = "head_too_large"
SLOW = "slow"
LOST_BODY = "lost_body"
TOO_MANY_CONNECTIONS = "too_many_connections"
LEDGER_FULL = "ledger_full"
LEDGER_SLOW = "ledger_slow"
LEDGER_AWAY = "ledger_away"
LEDGER_REFUSES = "ledger_refuses"

CAUSES = (
    *(MALFORMED, HEAD_TOO_LARGE, SLOW, LOST_BODY, TOO_MANY_CONNECTIONS, STRANGER, METHOD),
    *(TOO_LARGE, UNDECODABLE, TOO_MUCH_PARKED, QUARANTINED, TOO_MUCH_QUARANTINED),
    *(LEDGER_FULL, LEDGER_SLOW, LEDGER_AWAY, LEDGER_REFUSES),
)
"""Why a request was not answered 202, or a connection closed before there was one.

`too_large` and `undecodable` are kept all the same, and count as parked; what is `quarantined` is kept, too.
"""

HELD = "held"
VERDICTS = {
    "signature": (HELD, *(flaw.value for flaw in Flaw)),
    "secret": (HELD, "missing", "mismatch"),
}
"""What each guard says of a delivery."""

_OF_THE_LEDGER = {
    "full": LEDGER_FULL,
    "too slow": LEDGER_SLOW,
    "TimeoutError": LEDGER_SLOW,
    "ConnectionError": LEDGER_AWAY,
    "OutOfMemoryError": LEDGER_FULL,
}


class ReceiverMetrics:
    """The counters of one receiver. Every series is there from the start, so that a first delivery is an increase."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        accepted = Counter(
            "seven_deliveries_accepted", "Deliveries that were accepted.", ("event_type",), registry=registry
        )
        parked = Counter(
            "seven_deliveries_parked", "Deliveries kept and not understood.", ("event_type",), registry=registry
        )
        quarantined = Counter(
            "seven_deliveries_quarantined",
            "Deliveries kept whose sender is in doubt.",
            ("event_type",),
            registry=registry,
        )
        examined = Counter(
            "seven_deliveries_examined", "What a guard said of deliveries.", ("guard", "verdict"), registry=registry
        )
        refused = Counter(
            "seven_deliveries_refused", "Requests not answered 202, by cause.", ("cause",), registry=registry
        )
        # Resolved once: a look-up by label for each request would cost more than the counting.
        outcomes = {"accepted": accepted, "parked": parked, "quarantined": quarantined}
        self._kept = {
            (queue, outcome): counter.labels(label_of(queue))
            for outcome, counter in outcomes.items()
            for queue in QUEUES
        }
        self._examined = {
            (guard, verdict): examined.labels(guard, verdict)
            for guard, verdicts in VERDICTS.items()
            for verdict in verdicts
        }
        self._refused = {cause: refused.labels(cause) for cause in CAUSES}
        self._ack = Histogram(
            "seven_ack_seconds",
            "From a delivery's first byte to its answer, of those that were kept.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
        self._batch = Histogram(
            "seven_accepted_batch_deliveries",
            "Deliveries in a batch that was written to the ledger.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 1024),
            registry=registry,
        )

    def kept(self, queue: str, outcome: str, seconds: float) -> None:
        """A delivery is in the ledger, `accepted`, `parked` or `quarantined`, and about to be answered."""
        self._kept[queue, outcome].inc()
        self._ack.observe(seconds)

    def examined(self, guard: str, verdict: str) -> None:
        """A guard has looked at a delivery; the verdict is one of VERDICTS."""
        self._examined[guard, verdict].inc()

    def refused(self, cause: str) -> None:
        """A request is about to be answered otherwise; the cause is one of CAUSES."""
        self._refused[cause].inc()

    @staticmethod
    def cause_of(reason: NotAccepted) -> str:
        """The cause that a ledger counts as which has not confirmed a delivery."""
        return _OF_THE_LEDGER.get(str(reason), LEDGER_REFUSES)

    def batch(self, deliveries: int) -> None:
        """A batch is in the ledger."""
        self._batch.observe(deliveries)


class ReadinessMetrics(Collector):
    """What the last probe of the ledger said."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Whether always; sizes only while they are known."""
        yield GaugeMetricFamily(
            "seven_receiver_ready",
            "1 while deliveries can be accepted durably.",
            value=float(not self._readiness.hindrances()),
        )
        if condition := self._readiness.condition:
            if condition.used is not None:
                yield GaugeMetricFamily("seven_ledger_used_bytes", "Memory that Redis uses.", value=condition.used)
            yield GaugeMetricFamily(
                "seven_ledger_limit_bytes",
                "Memory it may use; at three quarters of it 503 begins.",
                value=condition.limit,
            )

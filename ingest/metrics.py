"""Metrics: a receiver's counters and gauges for Prometheus; `docs/metrics.md` lists all."""

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
"""Why a request was not answered 202, or a connection was closed without a request.

Deliveries that are `too_large` or `undecodable` are kept and count as parked; `quarantined` ones are kept, too.
"""

VERIFIED = "held"  # as the label has said from the start
VERDICTS = {
    "signature": (VERIFIED, *(flaw.value for flaw in Flaw)),
    "secret": (VERIFIED, "missing", "mismatch"),
}
"""The verdicts of each verifier."""

_CAUSE_OF = {
    "full": LEDGER_FULL,
    "too slow": LEDGER_SLOW,
    "TimeoutError": LEDGER_SLOW,
    "ConnectionError": LEDGER_AWAY,
    "OutOfMemoryError": LEDGER_FULL,
}


class ReceiverMetrics:
    """The counters of one receiver. Every series exists from the start, so that the first delivery is an increase."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        accepted = Counter(
            "seven_deliveries_accepted", "Deliveries that were accepted.", ("event_type",), registry=registry
        )
        parked = Counter(
            "seven_deliveries_parked", "Deliveries kept but not understood.", ("event_type",), registry=registry
        )
        quarantined = Counter(
            "seven_deliveries_quarantined",
            "Deliveries kept that failed verification.",
            ("event_type",),
            registry=registry,
        )
        examined = Counter(
            "seven_deliveries_examined", "Deliveries by verifier and verdict.", ("guard", "verdict"), registry=registry
        )
        refused = Counter(
            "seven_deliveries_refused", "Requests not answered 202, by cause.", ("cause",), registry=registry
        )
        # Resolved once: a lookup by label for each request costs more than the increment.
        outcomes = {"accepted": accepted, "parked": parked, "quarantined": quarantined}
        self._kept = {
            (queue, outcome): counter.labels(label_of(queue))
            for outcome, counter in outcomes.items()
            for queue in QUEUES
        }
        self._examined = {
            (verifier, verdict): examined.labels(verifier, verdict)
            for verifier, verdicts in VERDICTS.items()
            for verdict in verdicts
        }
        self._refused = {cause: refused.labels(cause) for cause in CAUSES}
        self._ack = Histogram(
            "seven_ack_seconds",
            "Time from a kept delivery's first byte to its answer.",
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
        """Count a delivery that is in the ledger: `accepted`, `parked` or `quarantined`."""
        self._kept[queue, outcome].inc()
        self._ack.observe(seconds)

    def examined(self, verifier: str, verdict: str) -> None:
        """Count a verifier's verdict, one of VERDICTS."""
        self._examined[verifier, verdict].inc()

    def refused(self, cause: str) -> None:
        """Count a request not answered 202; the cause is one of CAUSES."""
        self._refused[cause].inc()

    @staticmethod
    def cause_of(error: NotAccepted) -> str:
        """The cause under which an unconfirmed delivery counts."""
        return _CAUSE_OF.get(error.kind, LEDGER_REFUSES)

    def batch(self, deliveries: int) -> None:
        """Count a batch that is in the ledger."""
        self._batch.observe(deliveries)


class ReadinessMetrics(Collector):
    """Gauges of the last probe of the ledger."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Readiness always; sizes only while they are known."""
        yield GaugeMetricFamily(
            "seven_receiver_ready",
            "1 while deliveries can be accepted durably.",
            value=float(not self._readiness.reasons()),
        )
        if health := self._readiness.health:
            if health.used is not None:
                yield GaugeMetricFamily("seven_ledger_used_bytes", "Memory that Redis uses.", value=health.used)
            yield GaugeMetricFamily(
                "seven_ledger_limit_bytes",
                "Memory that Redis may use; from three quarters of it on the receiver answers 503.",
                value=health.limit,
            )

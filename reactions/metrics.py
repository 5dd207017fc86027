"""Metrics of reactions: what became of changes, how fast, and what waits."""

import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reactions.target import Attempt
from store.notifications import ClaimedNotification, waiting_backlogs
from store.outbox import FannedOut, Outbox
from store.row_writer import StoreAway
from store.subscriptions import PAUSED, read_subscriptions
from store.timed_transactions import transact

FATES = ("sent", "superseded", "filtered", "stale", "expired", "failed")
DELAYS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400)
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ReactionMetrics:
    """Counters and histograms of one dispatching process."""

    def __init__(self, registry: CollectorRegistry, reactions: Iterable[str]) -> None:
        self._changes = Counter(
            "seven_reaction_changes",
            "Changes by what became of them; failed ones are tried again.",
            ("reaction", "fate"),
            registry=registry,
        )
        self._delay = Histogram(
            "seven_reaction_delay_seconds",
            "From the noting of a change to its acceptance.",
            ("reaction",),
            buckets=DELAYS,
            registry=registry,
        )
        self._attempt = Histogram(
            "seven_reaction_attempt_seconds",
            "Duration of an attempt to send a change.",
            ("reaction",),
            buckets=DURATIONS,
            registry=registry,
        )
        for name in reactions:  # exported from the start
            for fate in FATES:
                self._changes.labels(name, fate)
            self._delay.labels(name)
            self._attempt.labels(name)

    def handed_out(self, result: FannedOut) -> None:
        """Count what was replaced or was too old when it was handed out."""
        for fate, numbers in (("superseded", result.superseded), ("stale", result.stale)):
            for name, number in numbers.items():
                self._changes.labels(name, fate).inc(number)

    def attempted(self, claim: ClaimedNotification, attempt: Attempt, took_s: float) -> None:
        """Record one attempt."""
        self._attempt.labels(claim.reaction).observe(took_s)
        if attempt.is_accepted:
            self._delay.labels(claim.reaction).observe(max(0.0, time.time() - claim.noted_at.timestamp()))

    def settled(self, reaction: str, fate: str, changes: int) -> None:
        """Count what became of changes."""
        if fate in FATES:
            self._changes.labels(reaction, fate).inc(changes)


class BacklogMetrics(Collector):
    """What waits, read from the outbox at each scrape; nothing while that is away."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def collect(self) -> Iterator[Metric]:
        """One sample for each subscriber."""
        waiting = GaugeMetricFamily("seven_reaction_waiting", "Changes that wait to be sent.", labels=("reaction",))
        oldest = GaugeMetricFamily(
            "seven_reaction_oldest_seconds",
            "Age of the oldest change that waits; 0 if none does.",
            labels=("reaction",),
        )
        paused = GaugeMetricFamily(
            "seven_reaction_paused",
            "1 if the reaction is paused, by a person or since it failed.",
            labels=("reaction",),
        )
        try:
            now_and_rows = self._outbox.transact(
                lambda connection, now: (now, waiting_backlogs(connection)), reads=True
            )
            known = transact(self._outbox.engine, lambda connection, _: read_subscriptions(connection), reads=True)
        except StoreAway:
            return
        now, rows = now_and_rows
        for each in known:
            backlog = rows.get(each.name)
            oldest_at = backlog.oldest_at if backlog else None
            waiting.add_metric((each.name,), backlog.waiting if backlog else 0)
            oldest.add_metric((each.name,), max(0.0, (now - oldest_at).total_seconds()) if oldest_at else 0)
            paused.add_metric((each.name,), each.state == PAUSED)
        yield from (waiting, oldest, paused)

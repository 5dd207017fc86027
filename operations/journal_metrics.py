"""Metrics of the journal: Redis holds them, so that every worker exports the same."""

from collections.abc import Iterator
from typing import cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from ledger import keyspace
from operations.journal_state import JournalStates
from seven.journal import JOURNALED


class JournalMetrics(Collector):
    """What the last pass left: the same from every worker, regardless of which one made it."""

    def __init__(self, redis: Redis, account: str) -> None:
        self._redis, self._states = redis, JournalStates(redis, account)

    def collect(self) -> Iterator[Metric]:
        """No time before the first pass, and nothing while Redis is unavailable: old figures would look good."""
        try:
            state = self._states.load()
            stored = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.JOURNAL_MISSED))
        except RedisError:
            return
        if state.ended_ms is not None:
            yield GaugeMetricFamily(
                "seven_backfill_last_success_timestamp_seconds",
                "When the gateway's journal was last read and compared.",
                state.ended_ms / 1000,
            )
        family = CounterMetricFamily(
            "seven_missed_webhooks",
            "Webhooks that a hook of this installation should have brought, and did not within the gateway's retries.",
            labels=("event_type",),
        )
        for event_type in JOURNALED:
            family.add_metric((event_type,), int(stored.get(event_type.encode(), 0)))
        yield family

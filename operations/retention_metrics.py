"""Metrics of retention: Redis holds the sums of all passes, so that every worker exports them."""

from collections.abc import Iterator
from typing import cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from ledger import keyspace

_COUNTED = {"removed": "Rows removed for their age.", "blanked": "Rows with a blanked payload or text."}


class RetentionMetrics(Collector):
    """The sums of all passes: the same from every worker, regardless of which one made them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        """Nothing before the first pass or while Redis is unavailable: stale figures would look like good ones."""
        try:
            stored = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.RETENTION))
            figures = {name.decode(): int(value) for name, value in stored.items()}
            refused = self._redis.exists(keyspace.RETENTION_REFUSED)
        except (RedisError, ValueError):
            return
        if figures or refused:
            yield GaugeMetricFamily(
                "seven_retention_refused",
                "1 after a pass that removed nothing because clocks disagree or leapt.",
                float(refused),
            )
        if "at_ms" not in figures:
            return
        yield GaugeMetricFamily(
            "seven_retention_last_timestamp_seconds", "When the last pass of retention ended.", figures["at_ms"] / 1000
        )
        for action, help_text in _COUNTED.items():
            family = CounterMetricFamily(f"seven_retention_{action}", help_text, labels=("table",))
            for name, rows in sorted(figures.items()):
                if name.startswith(f"{action}:"):
                    family.add_metric((name.partition(":")[2],), rows)
            yield family

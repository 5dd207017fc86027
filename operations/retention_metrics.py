"""Retained: what retention has done so far, in Redis, so that every worker can tell it as metrics."""

from collections.abc import Iterator
from typing import cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from ledger import keyspace

_COUNTED = {"removed": "Rows that were removed for their age.", "blanked": "Rows of which something was blanked."}


class RetentionMetrics(Collector):
    """The passes so far: the same from every worker, whichever made them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        """Nothing before the first pass, and nothing while Redis is away: an old figure would look like a good one."""
        try:
            found = cast("dict[bytes, bytes]", self._redis.hgetall(keyspace.RETENTION))
            told = {name.decode(): int(value) for name, value in found.items()}
            refused = self._redis.exists(keyspace.RETENTION_REFUSED)
        except (RedisError, ValueError):
            return
        if told or refused:
            yield GaugeMetricFamily(
                "seven_retention_refused",
                "1 after a pass that removed nothing since clocks disagree or leapt.",
                float(refused),
            )
        if "at_ms" not in told:
            return
        yield GaugeMetricFamily(
            "seven_retention_last_timestamp_seconds", "When the last pass of retention ended.", told["at_ms"] / 1000
        )
        for what, meaning in _COUNTED.items():
            family = CounterMetricFamily(f"seven_retention_{what}", meaning, labels=("table",))
            for name, rows in sorted(told.items()):
                if name.startswith(f"{what}:"):
                    family.add_metric((name.partition(":")[2],), rows)
            yield family

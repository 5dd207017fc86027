"""Metrics: what a worker tells Prometheus, on an address that is not public."""

import logging
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from workers.remembering import Memories

log = logging.getLogger("seven.workers")


class HookMetrics(Collector):
    """How the hooks stand, by the memory of the last reconciling: the same from every worker, whichever did it."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing before the first read, and nothing while Redis is away: an old figure would look like a good one."""
        try:
            memory = self._memories.recall()
        except RedisError:
            return
        if memory.read_ms is None:
            return
        yield GaugeMetricFamily("seven_hooks_drift", "Hooks that are not as desired.", value=memory.drift)
        yield GaugeMetricFamily(
            "seven_hooks_last_read_timestamp_seconds",
            "When the hooks could last be read at the gateway.",
            value=memory.read_ms / 1000,
        )


def tell_metrics(address: str, memories: Memories) -> None:
    """Serve metrics at `host:port`. An address that is taken, by another worker, is no reason not to work."""
    if not address:
        return
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(HookMetrics(memories))
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        log.warning("metrics are not told at %s: %s", address, error.strerror)

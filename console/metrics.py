"""Metrics: the console's counters for Prometheus; `docs/metrics.md` lists all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import Scope

PAGE = "seven_page"
"""The key of a page's name in the scope of a request."""
OTHER = "other"
"""Requests for no page: refused ones, style sheets, addresses that do not exist."""


class ConsoleMetrics:
    """The counters of one console."""

    def __init__(self, registry: CollectorRegistry, pages: frozenset[str]) -> None:
        self._pages = pages
        self._requests = Counter(
            "seven_console_requests", "Requests by page and status.", ("page", "status"), registry=registry
        )
        self._seconds = Histogram(
            "seven_console_seconds",
            "Time from a request to the end of its answer.",
            ("page",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
        self._lookups = Counter("seven_console_lookups", "Look-ups by kind.", ("kind",), registry=registry)
        for page in (*pages, OTHER):
            self._requests.labels(page, "200")
            self._seconds.labels(page)

    @contextmanager
    def measured(self, scope: Scope) -> Iterator[list[int]]:
        """Count and time one request; the block appends the status to the list. Without one it counts as 500."""
        began, answered = time.monotonic(), list[int]()
        try:
            yield answered
        finally:
            name = scope.get(PAGE, OTHER)
            page = name if name in self._pages else OTHER
            self._requests.labels(page, str(answered[0] if answered else 500)).inc()
            self._seconds.labels(page).observe(time.monotonic() - began)

    def lookup(self, kind: str) -> None:
        """Count a look-up; kinds are few."""
        self._lookups.labels(kind).inc()

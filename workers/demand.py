"""Demand: which topics somebody subscribes to, as a worker knows it: read again every few seconds."""

import time
from collections.abc import Callable

from store.row_writer import Store
from store.subscriptions import FRESH_S


class DemandCache:
    """The topics in demand. Threads may share it: at worst two read at once."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._topics: frozenset[str] = frozenset()
        self._read_at: float | None = None

    def topics(self) -> frozenset[str]:
        """The topics. Raises StoreAway if they have to be read, and cannot be."""
        now = self._clock()
        if self._read_at is None or now - self._read_at > FRESH_S:
            self._topics = self._store.demanded_topics()
            self._read_at = now
        return self._topics

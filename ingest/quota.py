"""Allowance: how much of a kind is kept in an hour; whoever has a token could fill the ledger otherwise."""

import time
from collections.abc import Callable

HOUR_S = 3600


class Allowance:
    """A bucket of deliveries and of their bytes, which fills up again within an hour."""

    def __init__(self, most: int, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = (most, most_bytes)
        self._left = (float(most), float(most_bytes))
        self._clock = clock
        self._at = clock()

    def take(self, size: int) -> bool:
        """Whether a delivery of so many bytes may be kept now; then it counts."""
        now = self._clock()
        part, self._at = (now - self._at) / HOUR_S, now
        deliveries, room = (min(most, left + part * most) for most, left in zip(self._most, self._left, strict=True))
        fits = deliveries >= 1 and room >= size
        self._left = (deliveries - 1, room - size) if fits else (deliveries, room)
        return fits

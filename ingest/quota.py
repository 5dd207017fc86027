"""Quota: bounds parked and quarantined deliveries, in number and bytes, per hour."""

import time
from collections.abc import Callable

HOUR_S = 3600


class Quota:
    """A token bucket of deliveries and of bytes, which refills within an hour."""

    def __init__(self, most: int, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = (most, most_bytes)
        self._left = (float(most), float(most_bytes))
        self._clock = clock
        self._at = clock()

    def take(self, size: int) -> bool:
        """Count a delivery of `size` bytes if the quota allows it; returns whether it does."""
        now = self._clock()
        share, self._at = (now - self._at) / HOUR_S, now
        deliveries, room = (min(most, left + share * most) for most, left in zip(self._most, self._left, strict=True))
        fits = deliveries >= 1 and room >= size
        self._left = (deliveries - 1, room - size) if fits else (deliveries, room)
        return fits

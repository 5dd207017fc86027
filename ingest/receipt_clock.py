"""Receipt clock: the time of receipt, by this machine's clock, or by Redis' while that is far ahead of it."""

import math
import time
from datetime import UTC, datetime

from runtime.logs import logger

log = logger("seven.ingest")

BEHIND_S = 300.0
"""A clock further behind Redis' than this is not trusted: rows that look too old are removed too early."""


class ReceiptClock:
    """A receiver's clock, corrected by what it has observed of Redis'."""

    def __init__(self) -> None:
        self._redis_origin = -math.inf
        """Redis' time when the monotonic clock was 0, in epoch seconds; -inf while unknown."""
        self._is_behind = False

    def now(self) -> datetime:
        """The time of receipt."""
        own = time.time()
        redis_now = self._redis_origin + time.monotonic()  # setting the clock does not alter it
        return datetime.fromtimestamp(redis_now if redis_now - own > BEHIND_S else own, UTC)

    def observe(self, redis_now: datetime) -> None:
        """Compare this machine's clock with Redis' and remember the difference."""
        self._redis_origin = redis_now.timestamp() - time.monotonic()
        ahead_s = redis_now.timestamp() - time.time()
        if (ahead_s > BEHIND_S) != self._is_behind:
            self._is_behind = not self._is_behind
            message = "this machine's clock is " + ("" if self._is_behind else "no longer ") + "behind Redis'"
            log.warning(message, apart_s=round(abs(ahead_s)))

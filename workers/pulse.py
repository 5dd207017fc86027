"""Pulse: that a beat lives, noted in Redis at each of its ticks, so that others see whether there is one, or two."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import RedisError

from ledger import keyspace
from ledger.connection import reason
from ledger.glancing import clock
from ledger.settling import Ledger

EVERY_S = 5.0
"""At least so often a beat ticks, whatever its schedule."""
SILENT_S = 60.0
"""Beyond this it does not live any more."""
FORGOTTEN_S = 3600


class Pulse:
    """One beat's."""

    def __init__(
        self, ledger: Ledger, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._clock = ledger, clock
        self._at = clock()
        self._away: str | None = None
        self._tick = Gauge("seven_beat_last_tick_timestamp_seconds", "When beat last ticked.", registry=registry)
        self._sent = Counter("seven_beat_sent", "Tasks that beat has sent.", ("task",), registry=registry)
        self._skipped = Counter(
            "seven_beat_skipped", "Tasks not sent, since too many wait for a worker.", ("task",), registry=registry
        )

    def beat(self) -> None:
        """Note a tick."""
        self._at = self._clock()
        self._tick.set_to_current_time()
        try:
            now = int(clock(self._ledger).timestamp() * 1000)
            pipeline = self._ledger.redis.pipeline()
            pipeline.zadd(keyspace.BEATS, {self._ledger.incarnation: now})
            pipeline.zremrangebyscore(keyspace.BEATS, "-inf", now - FORGOTTEN_S * 1000)
            pipeline.execute()
        except (RedisError, OSError) as error:
            self._away = f"the ledger does not answer ({reason(error)})"
        else:
            self._away = None

    def sent(self, task: str) -> None:
        """A task was sent."""
        self._sent.labels(task).inc()

    def skipped(self, task: str) -> None:
        """A task was due and not sent."""
        self._skipped.labels(task).inc()

    def end(self) -> None:
        """Say that this beat ends, so that nobody misses it."""
        try:
            self._ledger.redis.zrem(keyspace.BEATS, self._ledger.incarnation)
        except (RedisError, OSError):  # it is missed for an hour, then
            return

    def silence(self) -> list[str]:
        """That it has not ticked for long although Redis answers: while that is away it waits, and lives."""
        silent = self._clock() - self._at
        return [f"beat has not ticked for {silent:.0f} s"] if silent > SILENT_S and self._reaches() else []

    def hindrances(self) -> list[str]:
        """Why nobody would get what it sends."""
        return [*self.silence(), *filter(None, [self._away])]

    def _reaches(self) -> bool:
        try:
            self._ledger.redis.ping()
        except (RedisError, OSError):
            return False
        return True

"""Pulse: that a beat lives, noted in Redis at each of its ticks and at whatever it sends, so that others see it.

A beat that ticks and sends nothing is of no use: what counts is when it last sent each of its tasks. While Redis is
away it can send none, and what was due meanwhile comes again within its period: that counts from when Redis is back.
"""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import RedisError

from ledger import keyspace
from ledger.client import Ledger
from ledger.stats import clock, is_late, sent_entry
from runtime.redis_url import reason

EVERY_S = 5.0
"""At least so often a beat ticks, whatever its schedule."""
SILENT_S = 60.0
"""Beyond this it does not live any more."""
FORGOTTEN_S = 3600


class Heartbeat:
    """One beat's. `periods` are the seconds between two of each task that it is to send."""

    def __init__(
        self,
        ledger: Ledger,
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
        periods: Mapping[str, float] | None = None,
    ) -> None:
        self._ledger, self._clock, self._periods = ledger, clock, dict(periods or {})
        self._at = clock()
        self._came_to = dict.fromkeys(self._periods, self._at)
        self._is_noted = False
        self._away: str | None = None
        self._tick = Gauge("seven_beat_last_tick_timestamp_seconds", "When beat last ticked.", registry=registry)
        self._sent = Counter("seven_beat_sent", "Tasks that beat has sent.", ("task",), registry=registry)
        self._skipped = Counter(
            "seven_beat_skipped", "Tasks not sent, since too many wait for a worker.", ("task",), registry=registry
        )
        for task in self._periods:  # there from the start: one that is never sent has to be seen
            self._sent.labels(task)
            self._skipped.labels(task)

    def beat(self) -> None:
        """Note a tick."""
        self._at = self._clock()
        self._tick.set_to_current_time()
        try:
            now = self._now_ms()
            pipeline = self._ledger.redis.pipeline()
            pipeline.zadd(keyspace.BEATS, {self._ledger.worker_id: now})
            pipeline.zremrangebyscore(keyspace.BEATS, "-inf", now - FORGOTTEN_S * 1000)
            # by a clock that has been set back since: who lives ticks again at once
            pipeline.zremrangebyscore(keyspace.BEATS, now + int(SILENT_S * 1000), "+inf")
            if self._periods and not self._is_noted:  # what is due counts from a beat's start, or from an outage's end
                pipeline.delete(keyspace.SENT)
                pipeline.hset(keyspace.SENT, mapping={task: self._entry(task, now) for task in self._periods})
            pipeline.execute()
        except (RedisError, OSError) as error:
            self._away, self._is_noted = f"the ledger does not answer ({reason(error)})", False
        else:
            if self._away:
                self._came_to = dict.fromkeys(self._periods, self._at)
            self._away, self._is_noted = None, True

    def sent(self, task: str) -> None:
        """A task was sent."""
        self._sent.labels(task).inc()
        self._came_to[task] = self._clock()
        if task in self._periods:
            try:
                self._ledger.redis.hset(keyspace.SENT, task, self._entry(task, self._now_ms()))
            except (RedisError, OSError):  # the next one is noted, or that is missing, and is seen
                return

    def skipped(self, task: str) -> None:
        """A task was due and not sent, since nobody takes what was."""
        self._skipped.labels(task).inc()
        self._came_to[task] = self._clock()

    def end(self) -> None:
        """Say that this beat ends, so that nobody misses it."""
        try:
            self._ledger.redis.zrem(keyspace.BEATS, self._ledger.worker_id)
        except (RedisError, OSError):  # it is missed for an hour, then
            return

    def silence(self) -> list[str]:
        """What it has not done for long although Redis answers: while that is away it waits, and lives."""
        now = self._clock()
        reasons = [f"beat has not ticked for {now - self._at:.0f} s"] if now - self._at > SILENT_S else []
        due = {} if self._away else self._periods  # its next tick finds out whether Redis is back
        reasons += [
            f"beat has not sent {task} for {now - self._came_to[task]:.0f} s"
            for task, period_s in due.items()
            if is_late(now - self._came_to[task], period_s)
        ]
        return reasons if reasons and self._reaches() else []

    def hindrances(self) -> list[str]:
        """Why nobody would get what it sends."""
        return [*self.silence(), *filter(None, [self._away])]

    def _entry(self, task: str, now_ms: int) -> str:
        return sent_entry(now_ms, self._periods[task])

    def _now_ms(self) -> int:
        return int(clock(self._ledger).timestamp() * 1000)

    def _reaches(self) -> bool:
        try:
            self._ledger.redis.ping()
        except (RedisError, OSError):
            return False
        return True

"""Heartbeat of a beat: it records every tick and every sent task in Redis, for other processes to see.

A beat that ticks and sends nothing is useless, so the time of the last sending of each task counts. While Redis is down
beat cannot send; each task comes again within its period, which counts from the moment when Redis is back.
"""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import RedisError

from ledger import keyspace
from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.schedules import BEAT_SILENT_S, is_late, sent_entry
from runtime.redis_errors import redis_reason

FORGOTTEN_S = 3600
"""The entry of a beat that was killed is removed after this time."""


class Heartbeat:
    """The heartbeat of one beat. `periods` are the intervals of its tasks in seconds."""

    def __init__(
        self,
        ledger: Ledger,
        registry: CollectorRegistry,
        monotonic: Callable[[], float] = time.monotonic,
        periods: Mapping[str, float] | None = None,
    ) -> None:
        self._ledger, self._monotonic, self._periods = ledger, monotonic, dict(periods or {})
        self._ticked_at = monotonic()
        self._handled_at = dict.fromkeys(self._periods, self._ticked_at)
        self._recorded = False
        self._ledger_error: str | None = None
        self._tick = Gauge("seven_beat_last_tick_timestamp_seconds", "When beat last ticked.", registry=registry)
        self._sent = Counter("seven_beat_sent", "Tasks that beat has sent.", ("task",), registry=registry)
        self._skipped = Counter(
            "seven_beat_skipped", "Tasks not sent, since too many wait for a worker.", ("task",), registry=registry
        )
        for task in self._periods:  # exported from the start: a task that is never sent must be visible
            self._sent.labels(task)
            self._skipped.labels(task)

    def beat(self) -> None:
        """Record a tick."""
        self._ticked_at = self._monotonic()
        self._tick.set_to_current_time()
        try:
            now = now_ms(self._ledger.redis)
            pipeline = self._ledger.redis.pipeline()
            pipeline.zadd(keyspace.BEATS, {self._ledger.worker_id: now})
            pipeline.zremrangebyscore(keyspace.BEATS, "-inf", now - FORGOTTEN_S * 1000)
            # entries by a clock that has since been set back: a running beat ticks again at once
            pipeline.zremrangebyscore(keyspace.BEATS, now + int(BEAT_SILENT_S * 1000), "+inf")
            if self._periods and not self._recorded:  # due times count from beat's start or the end of an outage
                pipeline.delete(keyspace.SENT)
                pipeline.hset(keyspace.SENT, mapping={task: self._entry(task, now) for task in self._periods})
            pipeline.execute()
        except (RedisError, OSError) as error:
            self._ledger_error, self._recorded = f"the ledger does not answer ({redis_reason(error)})", False
        else:
            if self._ledger_error:
                self._handled_at = dict.fromkeys(self._periods, self._ticked_at)
            self._ledger_error, self._recorded = None, True

    def sent(self, task: str) -> None:
        """Record that a task was sent."""
        self._sent.labels(task).inc()
        self._handled_at[task] = self._monotonic()
        if task in self._periods:
            try:
                self._ledger.redis.hset(keyspace.SENT, task, self._entry(task, now_ms(self._ledger.redis)))
            except (RedisError, OSError):  # the next sending is recorded; if none is, beat shows as late
                return

    def skipped(self, task: str) -> None:
        """Record that a due task was not sent, since too many wait for a worker."""
        self._skipped.labels(task).inc()
        self._handled_at[task] = self._monotonic()

    def end(self) -> None:
        """Remove the heartbeat, since this beat ends."""
        try:
            self._ledger.redis.zrem(keyspace.BEATS, self._ledger.worker_id)
        except (RedisError, OSError):  # then it is missed until its entry expires
            return

    def stall_reasons(self) -> list[str]:
        """Reasons why beat is not alive: late ticks or tasks, unless Redis is down: then beat waits, and is alive."""
        now = self._monotonic()
        reasons = (
            [f"beat has not ticked for {now - self._ticked_at:.0f} s"] if now - self._ticked_at > BEAT_SILENT_S else []
        )
        due = {} if self._ledger_error else self._periods  # its next tick tests whether Redis is back
        reasons += [
            f"beat has not sent {task} for {now - self._handled_at[task]:.0f} s"
            for task, period_s in due.items()
            if is_late(now - self._handled_at[task], period_s)
        ]
        return reasons if reasons and self._redis_answers() else []

    def unready_reasons(self) -> list[str]:
        """Reasons why no worker would receive its tasks."""
        return [*self.stall_reasons(), *filter(None, [self._ledger_error])]

    def _entry(self, task: str, at_ms: int) -> str:
        return sent_entry(at_ms, self._periods[task])

    def _redis_answers(self) -> bool:
        try:
            self._ledger.redis.ping()
        except (RedisError, OSError):
            return False
        return True

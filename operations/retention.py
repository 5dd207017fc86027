"""Retaining: what is older than it is to be kept is blanked or removed, a little at a time, beside the workers.

None of it can be undone, so its age is not a matter of one clock: Redis', the database's and our own have to agree, and
none of them may have gone further than our machine has lived.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine

from ledger import keyspace
from ledger.claims import lock
from ledger.client import Figures, Ledger
from operations.retention_settings import RetentionSettings
from operations.uptime import ClockLeapt, Leaps
from runtime.logs import logger
from runtime.trusted_time import AGREEMENT, ClocksDisagree, trusted_time
from seven.aggregates import aggregates
from seven.events import QUEUES
from seven.records import OUTCOMES
from seven.timestamps import EARLIEST
from store.circuit_breaker import CircuitBreaker
from store.database_info import clock
from store.partitions import PARTITIONED
from store.purge import (
    Step,
    blank_payloads,
    blank_texts,
    drop_weeks,
    provide_weeks,
    remove_deliveries,
    remove_entries,
    remove_hook_changes,
    remove_records,
)
from store.row_writer import Refused, Store, StoreAway
from store.schema import call_statuses, deliveries, link_events, message_statuses

LONGEST_S = 120.0
"""For one pass, so that its worker does something else, too; the next one goes on."""
LEAST_PAUSE_S = {"sqlite": 0.1, "postgresql": 0.01}
"""Between two transactions; longer than SQLite's longest pause between two attempts to write."""
LOCK_S = 30
"""Longer than most transactions, and short enough that a worker that was killed is soon replaced."""
PENDING_FOR = timedelta(hours=1)
"""By how much a delivery may have been received before the ledger accepted it, whosever clock is wrong."""

_AGES = {"inbound_messages": "sent_at"}
"""What a record's age counts by where it is not its last change: blanking its text is a change."""

Rule = Callable[[Connection, str], Step]
"""One transaction's part of something to do, from where the last one ended."""

log = logger("seven.workers")


@dataclass(slots=True)
class RetentionResult:
    """What a pass did: rows by table."""

    removed: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    done: bool = True
    """Whether it came to its end, or left something for the next."""
    more: bool = False
    """Whether time was up: another pass may begin at once."""
    failed: bool = False
    """Whether it was the database that ended it."""
    refused: str | None = None
    """Why nothing was removed at all: which clocks disagree, or that all of them leapt."""

    def add(self, step: Step) -> None:
        """Count what one transaction did."""
        self.removed.update(step.removed)
        self.blanked.update(step.blanked)


def rules(keep: RetentionSettings, now: datetime, oldest_pending: datetime | None) -> Iterator[Rule]:
    """All that is to be done now. What is pending, and what came with it, is removed by none of it."""

    def once(step: Callable[..., Step], *told: object) -> Iterator[Rule]:
        yield lambda connection, _: step(connection, *told)

    def by(step: Callable[..., Step], name: str, *told: object) -> Iterator[Rule]:
        if before := keep.before(name, now):
            yield from once(step, *told, before)

    for table in PARTITIONED:
        yield from once(provide_weeks, table, now)
    # what goes as a whole goes first: nothing of it has to be blanked
    for history in (message_statuses, call_statuses):
        yield from by(drop_weeks, "histories", history)
    if before := keep.before("deliveries", now):
        settled = min(before, oldest_pending - PENDING_FOR) if oldest_pending else before
        yield lambda connection, after: remove_deliveries(connection, settled, after)
        yield from once(drop_weeks, deliveries, settled)
    for family in aggregates():
        record = family.records[0].table
        yield from by(remove_records, record, family, _AGES.get(record, "changed_at"))
    for history in (message_statuses, call_statuses, link_events):
        yield from by(remove_entries, "histories", history)
    yield from by(remove_hook_changes, "hook_changes")
    for outcome in OUTCOMES:
        yield from by(blank_payloads, "payloads" if outcome == "applied" else "unapplied", outcome)
    yield from by(blank_texts, "texts")


class Retention:
    """Passes of retention, one at a time among all workers; two at once would do no harm."""

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine,
        breaker: CircuitBreaker,
        keep: RetentionSettings,
        *,
        longest_s: float = LONGEST_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._leaps = Leaps(ledger.redis)
        self._ledger, self._store, self._breaker, self._keep = ledger, Store(engine), breaker, keep
        self._longest_s, self._pause, self._least_pause_s = longest_s, pause, LEAST_PAUSE_S[engine.dialect.name]

    def run(self) -> bool:
        """One pass, if no other is under way and the database is not held; remembered for the metrics.

        Returns whether another one should begin at once. Raises redis.RedisError.
        """
        held = lock(self._ledger.redis, keyspace.RETENTION_LOCK, LOCK_S)
        if self._breaker.hold or not held.acquire():
            return False
        try:
            retained = self.retain(partial(held.extend, LOCK_S, replace_ttl=True))
        finally:
            with suppress(RedisError):  # it has expired, or will
                held.release()
        remember(self._ledger, retained)
        if retained.removed or retained.blanked:
            log.info("retained", removed=dict(retained.removed), blanked=dict(retained.blanked), done=retained.done)
        return retained.more

    def retain(self, still_at_it: Callable[[], object] = lambda: None) -> RetentionResult:
        """Do what is to be done, until it is done, time is up, or the database goes away.

        Before each transaction `still_at_it` is called, and may raise redis.RedisError: somebody else may have begun.
        Raises redis.RedisError where the ledger is away at the beginning.
        """
        figures = self._ledger.figures(QUEUES)
        retained, began = RetentionResult(), time.monotonic()
        try:
            now = trusted_time({"Redis": figures.now, **self._clocks()})
            self._leaps.check(now)
        except (ClocksDisagree, ClockLeapt) as doubt:
            what = "disagree" if isinstance(doubt, ClocksDisagree) else "leapt"
            log.error(f"retention refused: clocks {what}", cause=str(doubt))  # noqa: TRY400 - no fault of code
            return RetentionResult(done=False, refused=str(doubt))
        except (StoreAway, Refused) as error:
            return _failed(retained, error)
        for rule in rules(self._keep, now, _oldest_pending(figures)):
            after: str | None = ""
            while after is not None:
                retained.more = time.monotonic() - began > self._longest_s
                if self._breaker.hold or retained.more:
                    retained.done = False
                    return retained
                with suppress(RedisError):
                    still_at_it()
                started = time.monotonic()
                try:
                    step = self._one(rule, after)
                except (StoreAway, Refused) as error:
                    return _failed(retained, error)
                retained.add(step)
                after = step.then
                if step.removed or step.blanked:
                    self._pause(max(self._least_pause_s, time.monotonic() - started))
        return retained

    def _clocks(self) -> dict[str, datetime]:
        """The database's and this machine's. Raises StoreAway or Refused."""
        read: list[datetime] = []
        self._store.transact(lambda connection: read.append(clock(connection)))
        return {"the database": read[-1], "this worker's machine": datetime.now(UTC)}

    def _one(self, rule: Rule, after: str) -> Step:
        done: list[Step] = []

        def attempt(connection: Connection) -> None:
            done.append(rule(connection, after))

        self._store.transact(attempt)
        return done[-1]


def _oldest_pending(figures: Figures) -> datetime | None:
    """When the oldest pending batch was accepted; long ago, where of some that is not known: a clock was set back."""
    queues = figures.queues.values()
    if any(queue.latest_at and queue.latest_at > figures.now + AGREEMENT for queue in queues):
        return EARLIEST
    return min((queue.oldest_at for queue in queues if queue.oldest_at), default=None)


def _failed(retained: RetentionResult, error: Exception) -> RetentionResult:
    """What was done before the database ended it; consumers find out for themselves whether to hold."""
    log.warning("not retained", cause=str(error))
    retained.done, retained.failed = False, True
    return retained


def retain_on_schedule(retention: Retention, again: Callable[[], object], *, threads: int) -> None:
    """One pass, and another one at once where time was up, as it always is with much traffic.

    Not in a worker of one thread: it would consume nothing but between two passes.
    """
    if retention.run() and threads > 1:
        again()


def remember(ledger: Ledger, retained: RetentionResult) -> None:
    """Keep the figures of a pass beside those of the passes before. Raises redis.RedisError."""
    pipeline = ledger.redis.pipeline(transaction=True)
    for what, tables in (("removed", retained.removed), ("blanked", retained.blanked)):
        for table, rows in tables.items():
            pipeline.hincrby(keyspace.RETENTION, f"{what}:{table}", rows)
    if retained.refused:
        pipeline.set(keyspace.RETENTION_REFUSED, retained.refused)
    elif not retained.failed:  # else it would look as if all were well
        pipeline.delete(keyspace.RETENTION_REFUSED)
        seconds, micros = ledger.redis.time()
        pipeline.hset(keyspace.RETENTION, "at_ms", int(seconds) * 1000 + int(micros) // 1000)
    pipeline.execute()

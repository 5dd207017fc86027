"""Retention: blanks or removes data older than its settings allow, in small transactions, alongside the workers.

Nothing of it can be undone, so age is never measured by one clock: the clocks of Redis, the database and this machine
must agree, and none of them may have advanced further than this machine's uptime.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from ledger import keyspace
from ledger.client import Figures, Ledger
from ledger.clock import now_ms
from ledger.lease import LeaseLost, leased
from operations.uptime import ClockJumped, ClockJumps
from runtime.logs import logger
from runtime.settings.retention import RetentionSettings
from runtime.trusted_time import AGREEMENT, ClocksDisagree, trusted_time
from seven.aggregates import SENT_MESSAGES, aggregates
from seven.archive_records import OUTCOMES
from seven.timestamps import EARLIEST
from store.circuit_breaker import CircuitBreaker
from store.database_info import clock
from store.partitions import PARTITIONED
from store.purge import (
    blank_payloads,
    blank_sent_texts,
    blank_texts,
    drop_weeks,
    provide_weeks,
    remove_deliveries,
    remove_entries,
    remove_records,
)
from store.purge_notes import (
    remove_changes,
    remove_derived_ids,
    remove_hook_changes,
    remove_journal_entries,
    remove_notifications,
)
from store.purge_step import Step
from store.row_writer import Refused, Store, StoreAway
from store.schema import call_digits, call_statuses, deliveries, link_events, message_receipts, message_statuses

LONGEST_S = 120.0
"""Limit of one pass, which leaves its worker time for other tasks; the next pass continues."""
LEAST_PAUSE_S = {"sqlite": 0.1, "postgresql": 0.01}
"""Pause between two transactions; longer than SQLite's longest pause between two attempts to write."""
PENDING_FOR = timedelta(hours=1)
"""How long before its acceptance by the ledger a delivery may have been received, whichever clock is wrong."""

CHANGES_KEPT = timedelta(days=8)
"""How long a change is kept for its subscribers."""
DERIVED_IDS_KEPT = timedelta(days=30)
"""How long a missed webhook is on record whose id is a digest of a number: longer than a pass looks back."""
_AGES = {"inbound_messages": "sent_at"}
"""The column that a record's age counts from, where it is not `changed_at`: blanking its text is a change."""

Rule = Callable[[Connection, str], Step]
"""One transaction of a task, from where the transaction before ended."""

log = logger("seven.workers")


@dataclass(slots=True)
class RetentionResult:
    """The result of a pass: rows by table."""

    removed: Counter[str] = field(default_factory=Counter)
    blanked: Counter[str] = field(default_factory=Counter)
    done: bool = True
    """Whether the pass finished, rather than leaving work for the next one."""
    more: bool = False
    """Whether it ran out of time: another pass may begin at once."""
    failed: bool = False
    """Whether the database ended it, or the loss of its lease."""
    refused: str | None = None
    """Why the pass removed nothing at all: which clocks disagree, or that all of them leapt."""

    def add(self, step: Step) -> None:
        """Add the rows of one transaction."""
        self.removed.update(step.removed)
        self.blanked.update(step.blanked)


def rules(keep: RetentionSettings, now: datetime, oldest_pending: datetime | None) -> Iterator[Rule]:
    """Every rule of a pass, in order. None removes pending deliveries, or those received along with them."""

    def once(step: Callable[..., Step], *arguments: object) -> Iterator[Rule]:
        yield lambda connection, _: step(connection, *arguments)

    def by(step: Callable[..., Step], name: str, *arguments: object) -> Iterator[Rule]:
        if before := keep.before(name, now):
            yield from once(step, *arguments, before)

    for table in PARTITIONED:
        yield from once(provide_weeks, table, now)
    # whole weeks go first: none of their rows has to be blanked
    for history in (message_statuses, call_statuses):
        yield from by(drop_weeks, "histories", history)
    if before := keep.before("deliveries", now):
        settled = min(before, oldest_pending - PENDING_FOR) if oldest_pending else before
        yield lambda connection, after: remove_deliveries(connection, settled, after)
        yield from once(drop_weeks, deliveries, settled)
    for family in aggregates():
        record = family.records[0].table
        yield from by(remove_records, record, family, _AGES.get(record, "changed_at"))
    for age in ("sent_at", "changed_at"):  # the latter for messages of which no time is known
        yield from by(remove_records, "sent_messages", SENT_MESSAGES, age)
    for history in (message_statuses, call_statuses, link_events, message_receipts, call_digits):
        yield from by(remove_entries, "histories", history)
    yield from once(remove_changes, now - CHANGES_KEPT)
    yield from once(remove_notifications, now - CHANGES_KEPT)
    yield from once(remove_derived_ids, now - DERIVED_IDS_KEPT)
    yield from by(remove_hook_changes, "hook_changes")
    yield from by(remove_journal_entries, "hook_changes")
    for outcome in OUTCOMES:
        yield from by(blank_payloads, "payloads" if outcome == "applied" else "unapplied", outcome)
    yield from by(blank_texts, "texts")
    yield from by(blank_sent_texts, "sent_texts")


class Retention:
    """Runs passes of retention, one at a time among all workers; overlapping passes would do no harm."""

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
        self._leaps = ClockJumps(ledger.redis)
        self._ledger, self._store, self._breaker, self._keep = ledger, Store(engine), breaker, keep
        self._longest_s, self._pause, self._least_pause_s = longest_s, pause, LEAST_PAUSE_S[engine.dialect.name]

    def run(self, again: Callable[[], object] = lambda: None) -> None:
        """Make one pass and store its figures, unless another is in progress or the circuit breaker holds.

        `again` requests another at once where it ran out of time, as it always does under heavy traffic.
        Raises redis.RedisError.
        """
        if self._breaker.hold:
            return
        with leased(self._ledger.redis, keyspace.RETENTION_LOCK) as lease:
            if lease is None:
                return
            result = self.retain(lease.check)
        add_figures(self._ledger, result)
        if result.removed or result.blanked:
            log.info("retention pass", removed=dict(result.removed), blanked=dict(result.blanked), done=result.done)
        if result.more:
            again()

    def retain(self, check: Callable[[], object] = lambda: None) -> RetentionResult:
        """Make one pass, until it finishes, runs out of time, or the database goes away.

        It calls `check` before each transaction, and ends when that raises LeaseLost: another pass may have begun.
        Raises redis.RedisError where the ledger is unavailable at the beginning.
        """
        figures = self._ledger.figures(self._ledger.queues())
        result, began = RetentionResult(), time.monotonic()
        try:
            now = trusted_time({"Redis": figures.now, **self._clocks()})
            self._leaps.check(now)
        except (ClocksDisagree, ClockJumped) as doubt:
            doubted = "clocks disagree" if isinstance(doubt, ClocksDisagree) else "clocks leapt"
            log.error(f"retention refused: {doubted}", cause=str(doubt))  # noqa: TRY400 - no fault of code
            return RetentionResult(done=False, refused=str(doubt))
        except (StoreAway, Refused) as error:
            return _failed(result, error)
        for rule in rules(self._keep, now, _oldest_pending(figures)):
            after: str | None = ""
            while after is not None:
                result.more = time.monotonic() - began > self._longest_s
                if self._breaker.hold or result.more:
                    result.done = False
                    return result
                started = time.monotonic()
                try:
                    check()
                    step = self._transact(rule, after)
                except (StoreAway, Refused, LeaseLost) as error:
                    return _failed(result, error)
                result.add(step)
                after = step.resume_after
                if step.removed or step.blanked:
                    self._pause(max(self._least_pause_s, time.monotonic() - started))
        return result

    def _clocks(self) -> dict[str, datetime]:
        """The clocks of the database and of this machine. Raises StoreAway or Refused."""
        return {"the database": self._store.transact(clock), "this worker's machine": datetime.now(UTC)}

    def _transact(self, rule: Rule, after: str) -> Step:
        return self._store.transact(lambda connection: rule(connection, after))


def _oldest_pending(figures: Figures) -> datetime | None:
    """When the oldest pending batch was accepted; EARLIEST where a clock was set back, so that it is unknown."""
    queues = figures.queues.values()
    if any(queue.latest_at and queue.latest_at > figures.now + AGREEMENT for queue in queues):
        return EARLIEST
    return min((queue.oldest_at for queue in queues if queue.oldest_at), default=None)


def _failed(result: RetentionResult, error: Exception) -> RetentionResult:
    """The result of a pass that the database ended, or that lost its lease.

    Consumers detect for themselves that the database is down.
    """
    log.warning("retention failed", cause=str(error))
    result.done, result.failed = False, True
    return result


def add_figures(ledger: Ledger, result: RetentionResult) -> None:
    """Add the figures of a pass to those of the passes before. Raises redis.RedisError."""
    pipeline = ledger.redis.pipeline(transaction=True)
    for action, tables in (("removed", result.removed), ("blanked", result.blanked)):
        for table, rows in tables.items():
            pipeline.hincrby(keyspace.RETENTION, f"{action}:{table}", rows)
    if result.refused:
        pipeline.set(keyspace.RETENTION_REFUSED, result.refused)
    elif not result.failed:  # a failed pass must not look like a good one
        pipeline.delete(keyspace.RETENTION_REFUSED)
        pipeline.hset(keyspace.RETENTION, "at_ms", now_ms(ledger.redis))
    pipeline.execute()

"""The consumer writes announced batches as rows, and settles them in the ledger once the rows are on disk."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import chain

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.client import Ledger, Taken, Unreadable
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from runtime.traces import OFF, Laps, Step, Traces
from seven.envelope import peek_id
from seven.record import Record
from store.circuit_breaker import CircuitBreaker
from store.delivery_rows import Projection
from store.fence import Fenced
from store.projection import project_batch, unreadable
from store.projection_options import DEFAULT_OPTIONS, ProjectionOptions
from store.row_writer import Refused, Store, StoreAway
from workers.demand import DemandCache
from workers.metrics import WorkerMetrics
from workers.poison import Isolation, is_suspect
from workers.portions import Portions

log = logger("seven.workers")

DELIVERIES_PER_TRANSACTION = 1024
"""Bounds the duration of a transaction, and so how far back a reader of `changed_at` has to look."""
ERASURES = 5
"""How often an announcement is consumed anew because an erasure has begun meanwhile; then the sweep announces it."""


class Consumer:
    """Consumes announcements; threads may share it."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        breaker: CircuitBreaker,
        metrics: WorkerMetrics | None = None,
        options: ProjectionOptions = DEFAULT_OPTIONS,
        *,
        on_noted: Callable[[], object] = lambda: None,
        on_progress: Callable[[], object] = lambda: None,
        traces: Traces = OFF,
    ) -> None:
        """`on_noted` is called after each commit that noted changes, `on_progress` after each commit."""
        self._ledger, self._store, self._breaker = ledger, store, breaker
        self._metrics = metrics or WorkerMetrics()
        self._options, self._traces = options, traces
        self._isolation = Isolation(ledger, options)
        self._fenced: Store | None = None  # of any generation up to now: an older one is found out
        self._demand, self._on_noted, self._on_progress = DemandCache(store), on_noted, on_progress
        self._max_deliveries = DELIVERIES_PER_TRANSACTION  # halved by failures, doubled by successes

    def consume(self, queue: str, batch_ids: Sequence[str], *, early: bool = False) -> None:
        """Write the announced batches that are still in the ledger, and settle them after their commit.

        `early`: they need not be announced, so their receiver may still resend them. They are written and not settled.
        While the database is down they are held: this returns, they stay pending, the sweep announces them again.
        Raises redis.RedisError when the ledger is down; that loses nothing either.
        """
        with self._breaker.turn() as allowed:
            if not allowed:
                log.debug("held", queue=queue, batches=len(batch_ids))
                return
            for _ in range(ERASURES):
                try:
                    self._attempt(queue, batch_ids, early)
                except Fenced:
                    self._fenced = None
                else:
                    return
            log.info("held for an erasure", queue=queue, batches=len(batch_ids))

    def _attempt(self, queue: str, batch_ids: Sequence[str], early: bool) -> None:
        """Consume in portions; one that fails does not hold up the others. Raises the first failure, or Fenced."""
        try:
            store = self._fenced = self._fenced or self._store.fenced()  # before the batches are taken
        except StoreAway as error:
            self._breaker.failed(str(error))
            return
        in_flight = self._ledger.take(queue, batch_ids)
        if in_flight.dropped:
            log.error("dropped: the ledger has no content for these batches", queue=queue, batches=in_flight.dropped)
        open_ids = {taken.batch.id for taken in in_flight.taken}
        portions = Portions(in_flight.taken, self._max_deliveries)

        def work(portion: Sequence[Taken]) -> None:
            if early:
                self._write_early(store, portion)
            elif self._consume(store, queue, portion):
                open_ids.difference_update(taken.batch.id for taken in portion)

        try:
            portions.write(work)
        except StoreAway as error:
            self._breaker.failed(str(error))
            self._max_deliveries = max(1, self._max_deliveries // 2)
            log.debug("held", queue=queue, batches=len(open_ids), cause=str(error))
        else:
            if portions.hindered:
                log.warning("held alone", queue=queue, batches=sorted(open_ids), cause=str(portions.hindered[-1]))
        finally:
            self._release(open_ids)
        if portions.failures:
            raise portions.failures[0]

    def _consume(self, store: Store, queue: str, portion: Sequence[Taken]) -> bool:
        """Write and settle the batches of one transaction, or one suspect batch. Raises StoreAway.

        Returns False for a suspect batch that another worker is consuming.
        """
        laps, batches = Laps(), [taken.batch for taken in portion]
        try:
            projections = self._write_and_settle(laps, store, queue, portion)
        except Exception as error:
            self._trace(laps.step("consume", type(error).__name__), batches)
            raise
        if projections is None:
            return False
        step = laps.step("consume")
        self._trace(step, batches, projections)
        self._report(queue, batches, projections, step.ended - step.began)
        return True

    def _write_early(self, store: Store, portion: Sequence[Taken]) -> None:
        """Write the batches of one transaction, but no suspect ones, and report nothing: they are consumed again."""
        if not is_suspect(portion[0]):
            self._write(Laps(), store.noting(self._demand.topics(), self._on_noted), [taken.batch for taken in portion])
            self._breaker.succeeded()

    def _write_and_settle(
        self, laps: Laps, store: Store, queue: str, portion: Sequence[Taken]
    ) -> list[Projection] | None:
        batches, store = [taken.batch for taken in portion], store.noting(self._demand.topics(), self._on_noted)
        for batch in batches:
            if isinstance(batch, Batch) and batch.missing:
                log.error("a batch has lost its last envelopes", batch=batch.id, queue=queue, envelopes=batch.missing)
        first = batches[0]
        if isinstance(first, Batch) and is_suspect(portion[0]):
            laps.begin("commit")
            isolated = self._isolation.consume(store, first)
            if isolated is None:
                return None
            projections = isolated
        else:
            projections = self._write(laps, store, batches)
        laps.begin("settle")
        self._breaker.succeeded()
        self._on_progress()
        self._max_deliveries = min(DELIVERIES_PER_TRANSACTION, 2 * self._max_deliveries)
        self._ledger.settle(queue, [batch.id for batch in batches])
        return projections

    def _trace(self, step: Step, batches: Sequence[Batch | Unreadable], projections: Sequence[Projection] = ()) -> None:
        """Record what happened to these batches, for each delivery that is sampled."""
        if not self._traces.is_on:
            return
        outcomes = {projection.delivery.id: projection.delivery.outcome or "" for projection in projections}
        for batch in batches:
            for delivery_id in filter(None, map(peek_id, batch.lines if isinstance(batch, Batch) else ())):
                if trace := self._traces.of(delivery_id):
                    outcome = {"seven.outcome": outcomes[delivery_id]} if delivery_id in outcomes else {}
                    self._traces.record(trace, replace(step, batch=batch.id, attributes=outcome))

    def _report(
        self,
        queue: str,
        batches: Sequence[Batch | Unreadable],
        projections: Sequence[Projection],
        took_s: float,
    ) -> None:
        deliveries = [projection.delivery for projection in projections]
        outcomes = [delivery.outcome or "" for delivery in deliveries]
        self._metrics.opted(record for projection in projections for record in projection.records)
        self._metrics.consumed(queue, outcomes, took_s)
        self._metrics.lag(queue, deliveries)
        self._metrics.remarked(queue, deliveries)
        log.log(
            logging.WARNING if "dead" in outcomes else logging.INFO,
            "consumed",
            queue=queue,
            batches=[batch.id for batch in batches],
            deliveries=len(outcomes),
            **dict(sorted(Counter(outcomes).items())),
            ms=round(took_s * 1000),
        )

    def _release(self, batch_ids: Collection[str]) -> None:
        """Tell the ledger that no worker died over these. If that fails, it counts as a death; it takes several."""
        try:
            self._ledger.release(list(batch_ids))
        except RedisError as error:
            log.warning("not released", batches=len(batch_ids), cause=redis_reason(error))

    def _write(self, laps: Laps, store: Store, batches: Sequence[Batch | Unreadable]) -> list[Projection]:
        """Write batches in one transaction. Returns what was written. Raises StoreAway, Refused or Fenced."""
        options = self._options.with_forgotten(store.forgotten)
        projections = [
            projection for batch in batches if isinstance(batch, Batch) for projection in project_batch(batch, options)
        ]
        projections += [unreadable(batch) for batch in batches if isinstance(batch, Unreadable)]
        rows, written = [projection.rows() for projection in projections], projections.copy()

        def bury(index: int, reason: str) -> tuple[Record, ...]:
            written[index] = projections[index].refused(reason)
            return written[index].rows()

        laps.begin("commit")
        try:
            store.write(chain.from_iterable(rows))
        except Refused:  # one row, or two that do not merge: bury what cannot be written, write the others
            store.write_apart(rows, bury)
        return written

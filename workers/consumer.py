"""Consuming: announced batches become rows, and leave the ledger once the rows are on disk."""

import logging
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.client import Ledger, Taken, Unreadable
from runtime.logs import logger
from seven.records import Record
from store.circuit_breaker import CircuitBreaker
from store.projection import project_batch, unreadable
from store.row_writer import Refused, Store, StoreAway
from workers.metrics import WorkerMetrics
from workers.poison import Isolation, is_suspect

log = logger("seven.workers")

DELIVERIES_PER_TRANSACTION = 1024
"""Bounds a transaction's length, and with it how far back a reader of `changed_at` has to look."""


class Consumer:
    """Consumes one announcement at a time; may be shared by threads."""

    def __init__(
        self, ledger: Ledger, store: Store, breaker: CircuitBreaker, metrics: WorkerMetrics | None = None
    ) -> None:
        self._ledger, self._store, self._breaker = ledger, store, breaker
        self._metrics = metrics or WorkerMetrics()
        self._isolation = Isolation(ledger, store)
        self._most = DELIVERIES_PER_TRANSACTION  # halved by each failure, doubled by each success: a slow database, too

    def consume(self, queue: str, batch_ids: Sequence[str]) -> None:
        """Write the announced batches that are still in the ledger, and settle them after their commit.

        While the database is away they are held: this returns, they stay pending, the sweep announces them again.
        Raises redis.RedisError when the ledger is away; that loses nothing either.
        """
        with self._breaker.turn() as may:
            if may:
                self._attempt(queue, batch_ids)
            else:
                log.debug("held", queue=queue, batches=len(batch_ids))

    def _attempt(self, queue: str, batch_ids: Sequence[str]) -> None:
        """Consume what can be: one portion that fails holds up no other. Raises what the first of them failed with."""
        hand = self._ledger.take(queue, batch_ids)
        if hand.dropped:
            log.error("dropped: nothing lies under them", queue=queue, batches=hand.dropped)
        open_ids = {taken.batch.id for taken in hand.taken}
        failures: list[Exception] = []
        portions = deque(_portions(hand.taken, self._most))
        try:
            while portions:
                portion = portions.popleft()
                try:
                    if self._consume(queue, portion):
                        open_ids.difference_update(taken.batch.id for taken in portion)
                except (StoreAway, RedisError):
                    raise
                except Exception as error:  # noqa: BLE001 - it is raised below
                    if len(portion) > 1:
                        portions.extend([taken] for taken in portion)  # one of them is to blame
                    else:
                        failures.append(error)
        except StoreAway as error:
            self._breaker.failed(str(error))
            self._most = max(1, self._most // 2)
            log.debug("held", queue=queue, batches=len(open_ids), cause=str(error))
        finally:
            self._release(open_ids)
        if failures:
            raise failures[0]

    def _consume(self, queue: str, portion: Sequence[Taken]) -> bool:
        """Write and settle the batches of one transaction, or a suspect one. Raises StoreAway.

        False for a suspect one that another worker consumes.
        """
        started = time.monotonic()
        batches = [taken.batch for taken in portion]
        for batch in batches:
            if isinstance(batch, Batch) and batch.lacking:
                log.error("a batch has lost its last envelopes", batch=batch.id, queue=queue, envelopes=batch.lacking)
        first = batches[0]
        if isinstance(first, Batch) and is_suspect(portion[0]):
            outcomes = self._isolation.consume(first)
            if outcomes is None:
                return False
        else:
            outcomes = self._write(queue, batches)
        self._breaker.succeeded()
        self._most = min(DELIVERIES_PER_TRANSACTION, 2 * self._most)
        self._ledger.settle(queue, [batch.id for batch in batches])
        took_s = time.monotonic() - started
        self._metrics.consumed(queue, outcomes, took_s)
        log.log(
            logging.WARNING if "dead" in outcomes else logging.INFO,
            "consumed",
            queue=queue,
            batches=[batch.id for batch in batches],
            deliveries=len(outcomes),
            **dict(sorted(Counter(outcomes).items())),
            ms=round(took_s * 1000),
        )
        return True

    def _release(self, batch_ids: Collection[str]) -> None:
        """Nobody died over these. Where the ledger cannot be told, it counts as a death; it takes several."""
        try:
            self._ledger.release(list(batch_ids))
        except RedisError as error:
            log.warning("not released", batches=len(batch_ids), cause=type(error).__name__)

    def _write(self, queue: str, batches: Sequence[Batch | Unreadable]) -> list[str]:
        """Write batches in one transaction. Returns what became of each delivery. Raises StoreAway or Refused."""
        understood = [one for batch in batches if isinstance(batch, Batch) for one in project_batch(batch)]
        understood += [unreadable(batch) for batch in batches if isinstance(batch, Unreadable)]
        outcomes = [one.delivery.outcome or "" for one in understood]

        def bury(index: int, reason: str) -> tuple[Record, ...]:
            outcomes[index] = "dead"
            return understood[index].dead(f"refused by the database: {reason}").rows()

        try:
            self._store.write(row for one in understood for row in one.rows())
        except Refused:  # some row of some envelope: find it, and keep the others
            self._store.write_apart([one.rows() for one in understood], bury)
        self._metrics.lag(queue, (one.delivery for one in understood))
        return outcomes


def _portions(hand: Sequence[Taken], most: int) -> Iterator[list[Taken]]:
    """Batches, up to so many deliveries in one transaction; a suspect one by itself, and after the others."""
    portion: list[Taken] = []
    size = 0
    for taken in hand:
        if is_suspect(taken):
            continue
        portion.append(taken)
        size += len(taken.batch.lines) if isinstance(taken.batch, Batch) else 1
        if size >= most:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
    yield from ([taken] for taken in hand if is_suspect(taken))

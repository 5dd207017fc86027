"""Consuming: announced batches become rows, and leave the ledger once the rows are on disk."""

import logging
import time
from collections.abc import Iterator, Sequence

from ledger.batch import Batch
from ledger.settling import Ledger, Unreadable
from seven.records import Record
from workers.holding import Breaker
from workers.store.writing import Refused, Store, StoreAway
from workers.understanding import understand, unreadable

log = logging.getLogger("seven.workers")

DELIVERIES_PER_TRANSACTION = 1024
"""Bounds a transaction's length, and with it how far back a reader of `changed_at` has to look."""


class Consumer:
    """Consumes one announcement at a time; may be shared by threads."""

    def __init__(self, ledger: Ledger, store: Store, breaker: Breaker) -> None:
        self._ledger, self._store, self._breaker = ledger, store, breaker

    def consume(self, queue: str, batch_ids: Sequence[str]) -> None:
        """Write the announced batches that are still in the ledger, and settle them after their commit.

        While the database is away they are held: this returns, they stay pending, the sweep announces them again.
        Raises redis.RedisError when the ledger is away; that loses nothing either.
        """
        if not self._breaker.lets_through():
            log.debug("held queue=%s batches=%d", queue, len(batch_ids))
            return
        for batches in _portions(self._ledger.fetch(batch_ids)):
            started = time.monotonic()
            try:
                counts = self._write(batches)
            except StoreAway as error:
                self._breaker.failed()
                log.warning("held queue=%s batches=%d cause=%s", queue, len(batches), error)
                return
            if self._breaker.succeeded():
                log.warning("the database is back")
            self._ledger.settle(queue, [batch.id for batch in batches])
            log.info(
                "consumed queue=%s batches=%s deliveries=%d %s ms=%d",
                queue,
                ",".join(batch.id for batch in batches),
                sum(counts.values()),
                " ".join(f"{outcome}={count}" for outcome, count in sorted(counts.items())),
                (time.monotonic() - started) * 1000,
            )

    def _write(self, batches: Sequence[Batch | Unreadable]) -> dict[str, int]:
        """Write batches in one transaction. Returns how many deliveries had which outcome. Raises StoreAway."""
        understood = [one for batch in batches if isinstance(batch, Batch) for one in understand(batch)]
        strangers = [row for batch in batches if isinstance(batch, Unreadable) for row in unreadable(batch)]
        outcomes = [one.delivery.outcome or "" for one in understood] + ["dead"] * (len(strangers) // 2)

        def bury(index: int, reason: str) -> tuple[Record, ...]:
            outcomes[index] = "dead"
            return understood[index].buried(f"refused by the database: {reason}")

        try:
            self._store.write([*(row for one in understood for row in one.rows()), *strangers])
        except Refused:  # some row of some envelope: find it, and keep the others
            self._store.write_apart([*(one.rows() for one in understood), strangers], bury)
        return {outcome: outcomes.count(outcome) for outcome in set(outcomes)}


def _portions(batches: Sequence[Batch | Unreadable]) -> Iterator[list[Batch | Unreadable]]:
    """Batches, as many together as make up one transaction."""
    portion: list[Batch | Unreadable] = []
    size = 0
    for batch in batches:
        portion.append(batch)
        size += len(batch.lines) if isinstance(batch, Batch) else 1
        if size >= DELIVERIES_PER_TRANSACTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion

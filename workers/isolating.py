"""Isolating: a batch over which workers died is consumed one envelope at a time, until the one that kills is known.

Deployments and `kill -9` hit innocent batches, so dying over a batch proves nothing, nor does dying once over an
envelope that is alone in hand. Who was alone in hand at two deaths is buried; holds and failures are no deaths.
"""

import logging

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.settling import Ledger, Taken
from workers.store.writing import Refused, Store
from workers.understanding import numbered, understand_line, untouched

log = logging.getLogger("seven.workers")

DEATHS = 3
"""Deaths over a batch after which its envelopes are consumed one by one."""

DEATHS_ALONE = 2
"""Deaths over one envelope alone in hand after which it is buried."""

DIED = "workers died with it alone in hand"
"""How the reason of such a dead letter ends: to look at it again is to risk the same."""


def is_suspect(taken: Taken) -> bool:
    """Whether so many workers began this batch and neither ended it nor let go of it that one envelope may kill."""
    return taken.starts > DEATHS and isinstance(taken.batch, Batch)


class Isolation:
    """Consumes suspect batches."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger, self._store = ledger, store

    def consume(self, batch: Batch) -> list[str]:
        """Write a batch's envelopes one by one, each marked first; returns their outcomes. The batch is not settled.

        Raises StoreAway, or redis.RedisError when the ledger is away; both may be repeated.
        """
        log.warning("suspect batch=%s queue=%s deliveries=%d", batch.id, batch.header.queue, len(batch.lines))
        return [self._alone(batch, ordinal, line) for ordinal, line in batch.numbered()]

    def _alone(self, batch: Batch, ordinal: int, line: bytes) -> str:
        starts = self._ledger.begin_alone(batch.id, ordinal)
        try:
            if starts > DEATHS_ALONE:
                return self._bury(batch, ordinal, line, f"{starts - 1} {DIED}")
            understood = understand_line(numbered(batch, ordinal), line)
            try:
                self._store.write(understood.rows())
            except Refused as error:
                understood = understood.dead(f"refused by the database: {error}")
                self._store.write(understood.rows())
            return understood.delivery.outcome or ""
        finally:
            self._ended(batch, ordinal)

    def _bury(self, batch: Batch, ordinal: int, line: bytes, reason: str) -> str:
        """Without understanding it: that may be what kills."""
        log.error("buried batch=%s ordinal=%d: %s", batch.id, ordinal, reason)
        self._store.write(untouched(numbered(batch, ordinal), line).dead(reason).rows())
        return "dead"

    def _ended(self, batch: Batch, ordinal: int) -> None:
        try:
            self._ledger.end_alone(batch.id, ordinal)
        except RedisError as error:  # then this counts as a death, of which it takes two
            log.warning("not unmarked batch=%s ordinal=%d cause=%s", batch.id, ordinal, type(error).__name__)

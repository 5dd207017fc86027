"""Isolating: a batch over which workers died is consumed one envelope at a time, until the one that kills is known.

Deployments and `kill -9` hit innocent batches, so dying over a batch proves nothing, nor does dying once over an
envelope that is alone in hand. Who was alone in hand at two deaths is buried; holds and failures are no deaths.
"""

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.claims import Claim, claimed
from ledger.client import Ledger, Taken
from runtime.logs import logger
from store.projection import DIED, Projection, numbered, project_line, untouched
from store.row_writer import Refused, Store

log = logger("seven.workers")

DEATHS = 3
"""Deaths over a batch after which its envelopes are consumed one by one."""

DEATHS_ALONE = 2
"""Deaths over one envelope alone in hand after which it is buried."""


def is_suspect(taken: Taken) -> bool:
    """Whether so many workers had this batch in hand and never ended it that one of its envelopes may kill."""
    return taken.deaths >= DEATHS and isinstance(taken.batch, Batch)


class Isolation:
    """Consumes suspect batches, each by one worker at a time."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger, self._store = ledger, store

    def consume(self, batch: Batch) -> list[str] | None:
        """Write a batch's envelopes one by one, each marked first; returns their outcomes. The batch is not settled.

        None while another worker does that. Raises StoreAway or Refused, or redis.RedisError; all may be repeated.
        """
        with claimed(self._ledger, batch.id) as claim:
            if claim is None:
                return None
            log.warning("suspect", batch=batch.id, queue=batch.header.queue, deliveries=len(batch.lines))
            return [self._alone(claim, batch, ordinal, line) for ordinal, line in batch.numbered()]

    def _alone(self, claim: Claim, batch: Batch, ordinal: int, line: bytes) -> str:
        row = numbered(batch, ordinal)
        try:
            deaths = claim.begin(ordinal)
            if deaths >= DEATHS_ALONE:  # without understanding it: that may be what kills
                log.error("buried", batch=batch.id, ordinal=ordinal, reason=f"{deaths} {DIED}")
                understood = untouched(row, line).dead(f"{deaths} {DIED}")
            else:
                understood = project_line(row, line)
            outcome = self._written(understood)
            claim.ended(ordinal)
        except Exception:
            self._survived(claim, batch, ordinal)
            raise
        return outcome

    def _written(self, understood: Projection) -> str:
        try:
            self._store.write(understood.rows())
        except Refused as error:
            understood = understood.dead(f"refused by the database: {error}")
            self._store.write(understood.rows())
        return understood.delivery.outcome or ""

    def _survived(self, claim: Claim, batch: Batch, ordinal: int) -> None:
        try:
            claim.survived(ordinal)
        except RedisError as error:  # then this counts as a death, of which it takes two
            log.warning("not unmarked", batch=batch.id, ordinal=ordinal, cause=type(error).__name__)

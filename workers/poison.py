"""Poison batches: a batch over which workers died is consumed one envelope at a time, to find the one that kills.

Deployments and `kill -9` hit innocent batches, so deaths over a batch prove nothing, nor does one death over a single
envelope. An envelope that was alone in flight at two deaths is buried; holds and failures are not deaths.
"""

from redis.exceptions import RedisError

from ledger.batch import Batch
from ledger.claims import Claim, claimed
from ledger.client import Ledger, Taken
from runtime.logs import logger
from runtime.redis_errors import redis_reason
from store.delivery_rows import Projection
from store.forgotten_blanks import without_forgotten_text
from store.projection import DIED, numbered, project_line, unread_envelope
from store.projection_options import DEFAULT_OPTIONS, ProjectionOptions
from store.row_writer import Refused, Store

log = logger("seven.workers")

DEATHS = 3
"""Deaths over a batch after which its envelopes are consumed one at a time."""

DEATHS_ALONE = 2
"""Deaths over a single envelope after which it is buried."""


def is_suspect(taken: Taken) -> bool:
    """Whether so many workers died over this batch that one of its envelopes may kill."""
    return taken.deaths >= DEATHS and isinstance(taken.batch, Batch)


class Isolation:
    """Consumes suspect batches, each by one worker at a time."""

    def __init__(self, ledger: Ledger, options: ProjectionOptions = DEFAULT_OPTIONS) -> None:
        self._ledger, self._options = ledger, options

    def consume(self, store: Store, batch: Batch) -> list[Projection] | None:
        """Mark and write a batch's envelopes one at a time. Returns what was written; does not settle the batch.

        None while another worker does this. Raises StoreAway, Refused, Fenced or redis.RedisError; it may be repeated
        then.
        """
        with claimed(self._ledger, batch.id) as claim:
            if claim is None:
                return None
            log.warning("suspect", batch=batch.id, queue=batch.header.queue, deliveries=len(batch.lines))
            return [self._consume_alone(store, claim, batch, ordinal, line) for ordinal, line in batch.numbered()]

    def _consume_alone(self, store: Store, claim: Claim, batch: Batch, ordinal: int, line: bytes) -> Projection:
        row = numbered(batch, ordinal)
        try:
            deaths = claim.begin(ordinal)
            if deaths >= DEATHS_ALONE:  # without parsing it, which may be what kills
                log.error("buried", batch=batch.id, ordinal=ordinal, reason=f"{deaths} {DIED}")
                projection = unread_envelope(row, line).dead(f"{deaths} {DIED}")
                if store.forgotten is not None:
                    projection = without_forgotten_text(projection, store.forgotten, line)
            else:
                projection = project_line(row, line, options=self._options.with_forgotten(store.forgotten))
            written = _write(store, projection)
            claim.ended(ordinal)
        except Exception:
            self._unmark(claim, batch, ordinal)
            raise
        return written

    def _unmark(self, claim: Claim, batch: Batch, ordinal: int) -> None:
        try:
            claim.survived(ordinal)
        except RedisError as error:  # then this counts as one of the two deaths
            log.warning("not unmarked", batch=batch.id, ordinal=ordinal, cause=redis_reason(error))


def _write(store: Store, projection: Projection) -> Projection:
    try:
        store.write(projection.rows())
    except Refused as error:
        projection = projection.refused(str(error))
        store.write(projection.rows())
    return projection

"""Claims: exclusive claims on suspect batches, whose envelopes are consumed one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import LockError, OutOfMemoryError
from redis.lock import Lock

from ledger import keyspace
from ledger.client import Ledger
from ledger.lock import lock
from ledger.scripts import BEGIN, RELEASE

CLAIM_S = 120
"""Longer than any transaction: a worker that has begun no other envelope for that long is dead."""


class Claim:
    """A suspect batch claimed by this worker. Each call raises redis.RedisError, also when the claim has been lost."""

    def __init__(self, ledger: Ledger, batch_id: str, lock: Lock | None) -> None:
        self._ledger, self._batch_id, self._lock = ledger, batch_id, lock

    def begin(self, ordinal: int) -> int:
        """Record that this worker is about to process the envelope alone; returns how many others died doing so."""
        if self._lock:
            self._lock.reacquire()
        return int(self._ledger.run(BEGIN, (keyspace.ALONE,), (self._ledger.worker_id, self._field(ordinal))))

    def survived(self, ordinal: int) -> None:
        """Record that this worker survived. Other workers' deaths stay counted: the envelope may have been held."""
        self._ledger.run(RELEASE, (keyspace.ALONE,), (self._ledger.worker_id, self._field(ordinal)))

    def ended(self, ordinal: int) -> None:
        """Forget the deaths over an envelope: it is a row, or a dead letter."""
        self._ledger.redis.hdel(keyspace.ALONE, self._field(ordinal))

    def _field(self, ordinal: int) -> str:
        return f"{self._batch_id}:{ordinal}"


@contextmanager
def claimed(ledger: Ledger, batch_id: str) -> Iterator[Claim | None]:
    """Claim a batch for a block; None while another worker has the claim. Raises redis.RedisError."""
    claim_lock = lock(ledger.redis, keyspace.isolating(batch_id), CLAIM_S)
    try:
        is_ours = claim_lock.acquire()
    except OutOfMemoryError:  # a full Redis refuses locks; rows of two workers merge, and settling frees memory
        yield Claim(ledger, batch_id, None)
        return
    if not is_ours:
        yield None
        return
    try:
        yield Claim(ledger, batch_id, claim_lock)
    finally:
        with suppress(LockError):  # it has expired, and another worker may have it
            claim_lock.release()

"""Claims: locks in Redis, and what the ledger knows of a suspect batch, whose envelopes are consumed one by one.

An expiry is a moment by Redis' clock. A lock taken while that clock was ahead would stay for years once it is set back,
if its holder died. So whoever comes shortens an expiry that is further away than any can be.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from redis import Redis
from redis.exceptions import LockError, OutOfMemoryError
from redis.lock import Lock

from ledger import keyspace
from ledger.client import Ledger
from ledger.scripts import BEGIN, RELEASE


def lock(redis: Redis, name: str, timeout_s: int) -> Lock:
    """A lock that expires after `timeout_s`, to be acquired without waiting. Raises redis.RedisError."""
    left_ms: Any = redis.pttl(name)
    if left_ms > timeout_s * 1000:
        redis.pexpire(name, timeout_s * 1000)  # a holder that lives has its whole time, or extends it
    return Lock(redis, name, timeout=timeout_s, blocking=False, thread_local=False)


ALONE_S = 120
"""Longer than any transaction: who has not touched another envelope for that long is dead."""


class Claim:
    """A suspect batch that is ours to consume; each call raises redis.RedisError, also when it is ours no more."""

    def __init__(self, ledger: Ledger, batch_id: str, lock: Lock | None) -> None:
        self._ledger, self._batch_id, self._lock = ledger, batch_id, lock

    def begin(self, ordinal: int) -> int:
        """Note that one envelope is alone in our hand, before it is touched; returns how many died so."""
        if self._lock:
            self._lock.reacquire()
        return int(self._ledger.run(BEGIN, (keyspace.ALONE,), (self._ledger.worker_id, self._field(ordinal))))

    def survived(self, ordinal: int) -> None:
        """Note that we live. Deaths of others stay counted: the envelope may have been held."""
        self._ledger.run(RELEASE, (keyspace.ALONE,), (self._ledger.worker_id, self._field(ordinal)))

    def ended(self, ordinal: int) -> None:
        """Note that the envelope is a row, or a dead letter: deaths over it count no more."""
        self._ledger.redis.hdel(keyspace.ALONE, self._field(ordinal))

    def _field(self, ordinal: int) -> str:
        return f"{self._batch_id}:{ordinal}"


@contextmanager
def claimed(ledger: Ledger, batch_id: str) -> Iterator[Claim | None]:
    """A claim for the length of a block; None while another worker has it. Raises redis.RedisError."""
    held = lock(ledger.redis, keyspace.isolating(batch_id), ALONE_S)
    try:
        is_ours = held.acquire()
    except OutOfMemoryError:  # a full Redis refuses locks: two that consume it at once merge, and it makes room
        yield Claim(ledger, batch_id, None)
        return
    if not is_ours:
        yield None
        return
    try:
        yield Claim(ledger, batch_id, held)
    finally:
        with suppress(LockError):  # it has expired, and may be another's
            held.release()

"""Lease: a lock in Redis that a thread renews, so that it outlives a killed holder by half a minute only.

Its holder asks before each step whether it still has it: a process that was stopped, or cut off from Redis, may have
been succeeded by another.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from ledger.lock import lock

LEASE_S = 30
RENEW_S = 10.0


class LeaseLost(Exception):  # noqa: N818 - a state, not a fault
    """The lease has expired, or cannot be renewed: another process may have it. End the pass."""


class Lease:
    """A lease that is held. `check` may be called from any thread."""

    def __init__(self, held: Lock, renew_s: float = RENEW_S) -> None:
        """`held`: an acquired lock of LEASE_S."""
        self._lock, self._renew_s = held, renew_s
        self._ended, self._lost = threading.Event(), False
        self._until = time.monotonic() + LEASE_S

    def check(self) -> None:
        """Renew the lease. Raises LeaseLost unless it is still ours, by Redis or, without an answer, by our clock."""
        self.renew()
        if self._lost or time.monotonic() > self._until:
            raise LeaseLost("another process may have begun")

    def renew(self) -> None:
        """Renew the lease once. While Redis does not answer, it is lost only when its time is over."""
        begun_at = time.monotonic()
        try:
            self._lock.reacquire()
        except LockError:
            self._lost = True
        except RedisError:
            return
        else:
            self._until = begun_at + LEASE_S

    def keep_renewing(self) -> None:
        """Renew until the lease ends or is lost."""
        while not self._ended.wait(self._renew_s) and not self._lost:
            self.renew()

    def end(self) -> None:
        """Stop renewing, and release the lease where it is still ours."""
        self._ended.set()
        with suppress(RedisError):  # it has expired, or will
            self._lock.release()


@contextmanager
def leased(redis: Redis, name: str, renew_s: float = RENEW_S) -> Iterator[Lease | None]:
    """Hold the lease of this name during a block; None while another process has it. Raises redis.RedisError."""
    held = lock(redis, name, LEASE_S)
    if not held.acquire():
        yield None
        return
    lease = Lease(held, renew_s)
    thread = threading.Thread(target=lease.keep_renewing, name=f"lease {name}", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        lease.end()
        thread.join()

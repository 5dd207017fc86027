"""Locks in Redis that outlive no clock: one that was taken while Redis' clock was ahead does not stay for years.

An expiry is a moment by Redis' clock. Once that is set back, the lock of a holder that died would keep everybody away
until the clock has caught up. So whoever comes shortens an expiry that is further away than any can be.
"""

from typing import Any

from redis import Redis
from redis.lock import Lock


def lock(redis: Redis, name: str, timeout_s: int) -> Lock:
    """A lock that expires after `timeout_s`, to be acquired without waiting. Raises redis.RedisError."""
    left_ms: Any = redis.pttl(name)
    if left_ms > timeout_s * 1000:
        redis.pexpire(name, timeout_s * 1000)  # a holder that lives has its whole time, or extends it
    return Lock(redis, name, timeout=timeout_s, blocking=False, thread_local=False)

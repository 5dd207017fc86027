"""Lock: held in Redis by one process at a time, until it expires.

An expiry is a point in time by Redis' clock. If that clock runs ahead and is set back, the lock of a dead holder would
stay for years. So each attempt to acquire a lock first shortens an expiry that is longer than the lock's own timeout.
"""

from typing import Any

from redis import Redis
from redis.lock import Lock


def lock(redis: Redis, name: str, timeout_s: int) -> Lock:
    """A non-blocking lock that expires after `timeout_s`. Raises redis.RedisError."""
    left_ms: Any = redis.pttl(name)
    if left_ms > timeout_s * 1000:
        redis.pexpire(name, timeout_s * 1000)  # a live holder still has its full time, or extends it
    return Lock(redis, name, timeout=timeout_s, blocking=False, thread_local=False)

"""Clock: the time by Redis' clock, as the ledger holds it: milliseconds since 1970."""

from datetime import UTC, datetime

from redis import Redis


def clock(redis: Redis) -> datetime:
    """The time by Redis' clock. Raises redis.RedisError when Redis is unreachable."""
    return as_time(now_ms(redis))


def now_ms(redis: Redis) -> int:
    """The same in milliseconds. Raises redis.RedisError when Redis is unreachable."""
    return milliseconds(redis.time())


def milliseconds(answer: tuple[int, int]) -> int:
    """Redis' answer to TIME as the ledger holds times."""
    seconds, micros = answer
    return seconds * 1000 + micros // 1000


def as_time(milliseconds: int) -> datetime:
    """A time that the ledger holds, as an aware UTC datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

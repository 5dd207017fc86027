"""Token uses: when each hook token last brought a delivery."""

from typing import cast

from redis import Redis

from ledger import keyspace


def token_uses_ms(redis: Redis) -> dict[str, int]:
    """By the token's fingerprint, alone and with that of the public URL (`arrival`). Raises redis.RedisError."""
    uses = cast("dict[bytes, bytes]", redis.hgetall(keyspace.TOKENS))
    return {field.decode(): int(at) for field, at in uses.items()}

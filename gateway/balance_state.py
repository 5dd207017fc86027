"""Balance state: what is kept of the last reads in Redis, beside the ledger."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import cast

from redis import Redis

from gateway.balance import Balance, parse_balance
from ledger import keyspace

KEPT = timedelta(days=30)
"""An account that has not been read for longer is another one's, or nobody's."""


@dataclass(frozen=True, slots=True)
class BalanceState:
    """The balance that was last read, and whether it could be read since."""

    last: Balance | None = None
    """As it was last read; None if it never was."""
    read_ms: int | None = None
    """When, by Redis' own clock."""
    failure: str | None = None
    """Why the latest read failed, without any secret; None if it did not."""
    failure_code: str | None = None
    """The gateway's error code, where that was the reason."""


class BalanceStates:
    """The state of one account in Redis. Every call raises redis.RedisError when Redis is unavailable."""

    def __init__(self, redis: Redis, account: str) -> None:
        """`account` separates gateways and accounts: no balance is shown as that of another."""
        self._redis = redis
        self._key = f"{keyspace.BALANCE}:{keyspace.fingerprint(account)}"

    def load(self) -> BalanceState:
        """The state after the last read; an empty one where there is none, or none that can be read."""
        return _parsed(self._redis.get(self._key))

    def save(self, state: BalanceState) -> None:
        """Store the state."""
        document = asdict(state)
        if state.last:
            document["last"] |= {"amount": f"{state.last.amount:f}"}
        pipeline = self._redis.pipeline()
        pipeline.set(self._key, json.dumps(document), ex=KEPT)
        pipeline.set(keyspace.BALANCE_LATEST, self._key, ex=KEPT)
        pipeline.execute()


def latest_balance(redis: Redis) -> BalanceState | None:
    """The state of the account that was read last, for a process that does not know its key; None if none was.

    Raises redis.RedisError.
    """
    key = cast("bytes | None", redis.get(keyspace.BALANCE_LATEST))
    return _parsed(redis.get(key)) if key else None


def _parsed(stored: object) -> BalanceState:
    try:
        document = json.loads(cast("bytes | None", stored) or b"{}")
        last = document.get("last")
        return BalanceState(**document | {"last": last and parse_balance(last)})
    except (ValueError, TypeError, AttributeError):
        return BalanceState()

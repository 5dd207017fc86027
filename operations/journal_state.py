"""Journal state: how far the gateway's journal was read, kept in Redis beside the ledger.

Lost with Redis, all of the days are read again: which is what a Redis that lost deliveries needs anyway.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import cast

from redis import Redis

from ledger import keyspace
from operations.journal_progress import ProgressStore

MOST_OPEN = 100_000
"""Ids of one list that are followed; of more, the latest."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """State left by the last pass that read everything."""

    read_until: str | None = None
    """The end of the range that was compared last, ISO 8601; None before the first pass."""
    ended_ms: int | None = None
    """When that pass ended, by Redis' clock."""
    life: str | None = None
    """The ledger's life when it began."""
    tallied: str | None = None
    """When a loss was last acknowledged before it began, ISO 8601."""
    failure: str | None = None
    """Why the gateway let no pass end since."""
    rows: int = 0
    requests: int = 0
    unwatched: int = 0
    """Rows of that pass without a webhook that no hook of ours was seen to cover."""
    connections: tuple[str, ...] = ()
    """How messages were handed to the gateway whose webhooks have come."""
    unread: tuple[str, ...] = ()
    """Event types whose list could not be read in full, or is not listed any more."""
    shorter: tuple[str, ...] = ()
    """Those whose list does not go back as far as the rows here: it is kept for a shorter time, or was switched off."""


class JournalStates:
    """The state of one account. Every call raises redis.RedisError when Redis is unavailable."""

    def __init__(self, redis: Redis, account: str) -> None:
        """`account` identifies the gateway and the account: the journal of one says nothing about another."""
        self._redis, self.account = redis, keyspace.fingerprint(account)
        self._key = f"{keyspace.JOURNAL}:{self.account}"
        self.progress = ProgressStore(redis, self.account)
        """How far the pass that is under way has read."""

    def load(self) -> JournalState:
        """The state after the last pass; an empty one where there is none, or none that can be read."""
        return _parsed(self._redis.get(self._key))

    def save(self, state: JournalState) -> None:
        """Store the state for the next pass."""
        self._redis.mset({self._key: json.dumps(asdict(state)), keyspace.JOURNAL_LATEST: self._key})

    def fail(self, failure: str) -> None:
        """Note why a pass could not read the journal, for people."""
        self.save(replace(self.load(), failure=failure))

    def claim(self, for_s: int) -> bool:
        """Claim the next pass: True for one caller in so many seconds, among all workers."""
        return bool(self._redis.set(f"{self._key}:claim", "1", nx=True, ex=for_s))

    def open_ids(self, event_type: str, before: datetime) -> list[str]:
        """The followed ids of what was sent before then, oldest first."""
        ids = self._redis.zrangebyscore(self._open(event_type), "-inf", f"({before.timestamp()}")
        return [id_.decode() for id_ in cast("list[bytes]", ids)]

    def follow(self, event_type: str, ids: Iterable[tuple[str, datetime]]) -> None:
        """Follow ids whose status was not final, each with the time of its sending."""
        if scores := {id_: at.timestamp() for id_, at in ids}:
            self._redis.zadd(self._open(event_type), scores)

    def unfollow(self, event_type: str, ids: Sequence[str]) -> None:
        """Follow these ids no longer."""
        if ids:
            self._redis.zrem(self._open(event_type), *ids)

    def trim(self, event_type: str, since: datetime) -> None:
        """Follow nothing sent before then, and no more than MOST_OPEN ids."""
        self._redis.zremrangebyscore(self._open(event_type), "-inf", f"({since.timestamp()}")
        self._redis.zremrangebyrank(self._open(event_type), 0, -MOST_OPEN - 1)

    def _open(self, event_type: str) -> str:
        return f"{self._key}:open:{event_type}"


def latest_journal(redis: Redis) -> JournalState | None:
    """The state of the account whose journal was read last, for a process that does not know the account's key.

    None where none was read. Raises redis.RedisError.
    """
    key = cast("bytes | None", redis.get(keyspace.JOURNAL_LATEST))
    return _parsed(redis.get(key)) if key else None


def _parsed(stored: object) -> JournalState:
    """An empty state where there is none, or none that can be read."""
    try:
        document = json.loads(cast("bytes | None", stored) or b"{}")
        known = {name: value for name, value in document.items() if name in JournalState.__dataclass_fields__}
        lists = {name: tuple(known.get(name, ())) for name in ("connections", "unread", "shorter")}
        state = JournalState(**{**known, **lists})
        if state.read_until is not None:
            datetime.fromisoformat(state.read_until)
    except (ValueError, TypeError, AttributeError):
        return JournalState()
    return state

"""Journal count: counts each webhook that is missed once, whenever its pass is killed.

Its entry is written to the database, and the count is in Redis. So what is about to be written is noted in Redis
before; a pass that finds a note counts what of it was written. A pass that was stopped, and succeeded by another,
finds its note gone, and counts nothing.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from redis import Redis
from sqlalchemy import Connection
from uuid_utils import uuid7

from ledger import keyspace
from operations.journal_presence import Key
from operations.webhook_meter import recorded_as_missed


class JournalCount:
    """The count of missed webhooks, by event type. Every call raises redis.RedisError when Redis is unavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def begin(self, keys: Collection[Key]) -> bytes:
        """Note webhooks that are about to be written as missed; returns the note, for `end`."""
        note = json.dumps([str(uuid7()), *keys]).encode()
        self._redis.set(keyspace.JOURNAL_MISSED_BEGUN, note)
        return note

    def end(self, note: bytes, keys: Iterable[Key]) -> None:
        """Count those that were written, and remove the note: both or, where the note is gone, neither."""
        numbers = Counter(event_type for event_type, _, _ in keys)

        def count(pipeline: Any) -> None:
            is_ours = pipeline.get(keyspace.JOURNAL_MISSED_BEGUN) == note
            pipeline.multi()
            if is_ours:
                for event_type, number in numbers.items():
                    pipeline.hincrby(keyspace.JOURNAL_MISSED, event_type, number)
                pipeline.delete(keyspace.JOURNAL_MISSED_BEGUN)

        self._redis.transaction(count, keyspace.JOURNAL_MISSED_BEGUN)

    def resume(self, connection: Connection) -> None:
        """Count what a pass that was killed has written, and not counted."""
        note: Any = self._redis.get(keyspace.JOURNAL_MISSED_BEGUN)
        if note is not None:
            _, *keys = json.loads(note)
            self.end(note, recorded_as_missed(connection, [tuple(key) for key in keys]))

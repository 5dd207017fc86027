"""Journal progress: how far the pass that is under way has read, in Redis, so that the next goes on where it ended.

A day of a million messages takes 37 minutes to read: a worker that is restarted must not begin anew each time.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self, cast

from redis import Redis

from gateway.journal_pages import Place
from ledger import keyspace

LONGEST = timedelta(hours=12)
"""From the beginning of an interrupted pass; one that cannot read a list judges the others as often at least."""


@dataclass(slots=True)
class ListProgress:
    """How far one list was read."""

    offset: int = 0
    first: Sequence[str] = ()
    latest: Sequence[str] = ()
    """The ids of the first page, and of the one before the offset."""
    oldest_at: str | None = None
    is_over: bool = False

    @property
    def place(self) -> Place:
        """Where to go on."""
        return Place(self.offset, self.first, self.latest)

    @place.setter
    def place(self, place: Place) -> None:
        self.offset, self.first, self.latest = place.offset, place.first, place.latest


@dataclass(slots=True)
class Progress:
    """What a pass has read, whatever interrupted it."""

    since: str
    until: str
    """When it began, and the range of days that it reads, ISO 8601: the lists of other days have other places."""
    at_once: bool
    life: str | None
    tallied: str | None
    """As of the last loss of the ledger that it knows; another one begins anew."""
    lists: dict[str, ListProgress] = field(default_factory=dict)
    rows: int = 0
    absent: int = 0
    unwatched: int = 0
    connections: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    shorter: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Self:
        """What was stored."""
        lists = {name: ListProgress(**each) for name, each in document.pop("lists").items()}
        return cls(**document, lists=lists)

    def of(self, event_type: str) -> ListProgress:
        """How far it is in one list."""
        return self.lists.setdefault(event_type, ListProgress())

    def is_continued_by(self, other: "Progress") -> bool:
        """Whether a pass that would begin now goes on with this one instead."""
        began, now = datetime.fromisoformat(self.until), datetime.fromisoformat(other.until)
        same = (self.at_once, self.life, self.tallied) == (other.at_once, other.life, other.tallied)
        return same and began <= now <= began + LONGEST and self.since <= other.since


class ProgressStore:
    """The progress of one account. Every call raises redis.RedisError when Redis is unavailable."""

    def __init__(self, redis: Redis, account: str) -> None:
        """`account`: its fingerprint."""
        self._redis, self._key = redis, f"{keyspace.JOURNAL}:{account}:progress"

    def begin(self, anew: Progress) -> Progress:
        """That of the pass that was interrupted, if this one continues it; otherwise this one."""
        stored = cast("bytes | None", self._redis.get(self._key))
        try:
            interrupted = Progress.parse(json.loads(stored or b"null"))
            return interrupted if interrupted.is_continued_by(anew) else anew
        except (ValueError, TypeError, AttributeError, KeyError):
            return anew

    def save(self, progress: Progress) -> None:
        """Store how far it is."""
        self._redis.set(self._key, json.dumps(asdict(progress)))

    def end(self) -> None:
        """All is read."""
        self._redis.delete(self._key)

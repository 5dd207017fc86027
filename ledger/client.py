"""Settling: the workers' side of the ledger, synchronous: take, settle or release, overdue, figures."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from ledger import keyspace
from ledger.batch import Batch, UnreadableBatch
from ledger.primary import PrimaryConnection, PrimarySSLConnection
from ledger.scripts import OVERDUE, READ, RELEASE, SETTLE, TAKE, Script
from runtime.redis_url import RedisServer

READ_BYTES = 1024 * 1024
"""What one call copies at most, beside the last batch: a millisecond or two of Redis' time."""
IDS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What lay under a batch id and is no batch: to be buried whole."""

    id: str
    stored: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch in hand, and how many workers had it and neither settled it nor let go: most of them are dead."""

    batch: Batch | Unreadable
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class InFlight:
    """What `take` found: batches to consume, and the ids of pending ones that had lost their envelopes."""

    taken: list[Taken]
    dropped: list[str]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How one queue stands: its batches in the ledger, the oldest of them, its announcements, its last ordinal."""

    pending: int
    oldest_at: datetime | None
    latest_at: datetime | None
    """When the last of them was accepted: in the future where Redis' clock has been set back since."""
    announcements: int
    last_ordinal: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How the ledger stands, by Redis' own clock. `life` is None for a ledger that has accepted nothing yet."""

    life: str | None
    born_at: datetime | None
    now: datetime
    queues: dict[str, QueueFigures]


class Ledger:
    """The ledger as workers and the command line see it. Every call raises redis.RedisError when it is away.

    Retries are off: each call is repeated by whoever announced the batch, not here.
    """

    def __init__(self, redis_url: str, timeout_s: float = 5.0) -> None:
        server = RedisServer.parse(redis_url)
        self.redis = Redis.from_url(
            server.url,
            **server.tls,
            connection_class=PrimarySSLConnection if server.tls else PrimaryConnection,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            health_check_interval=30,
            client_name="seven-ingest-worker",
        )
        self.worker_id = uuid.uuid4().hex[:8]
        """Who we are to other workers: nobody else ever was, nor will be."""

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def fetch(self, batch_ids: Sequence[str]) -> Iterator[Batch | Unreadable]:
        """The batches that are still in the ledger, in the order of their ids; one settled already is left out."""
        for batch_id, stored in self.read(batch_ids, "whole"):
            if stored is not None:
                yield _read(batch_id, stored)

    def read(self, batch_ids: Sequence[str], part: Literal["header", "whole"]) -> Iterator[tuple[str, bytes | None]]:
        """What lies under each of these ids, or its header line; in calls that are short, however large batches are."""
        start = 0
        while ids := batch_ids[start : start + IDS_AT_ONCE]:
            read = self.run(READ, (keyspace.BATCHES,), [READ_BYTES, part, *ids])
            yield from zip(ids, read, strict=False)
            start += len(read)

    def still_there(self, batch_ids: Sequence[str]) -> list[str]:
        """Those of these batches that are still in the ledger, without what is in them."""
        found: list[str] = []
        for start in range(0, len(batch_ids), IDS_AT_ONCE):
            ids = batch_ids[start : start + IDS_AT_ONCE]
            pipeline = self.redis.pipeline(transaction=False)
            for batch_id in ids:
                pipeline.hexists(keyspace.BATCHES, batch_id)
            found += [batch_id for batch_id, there in zip(ids, pipeline.execute(), strict=True) if there]
        return found

    def take(self, queue: str, batch_ids: Sequence[str]) -> InFlight:
        """Fetch batches and note that we have them: end each by `settle` or `release`, or it counts as our death."""
        if not batch_ids:
            return InFlight([], [])
        keys = (keyspace.BATCHES, keyspace.IN_FLIGHT, keyspace.pending(queue), keyspace.announced(queue))
        found = list(zip(batch_ids, self.run(TAKE, keys, [self.worker_id, *batch_ids]), strict=True))
        return InFlight(
            [Taken(_read(batch_id, stored), deaths) for batch_id, (stored, deaths, _) in found if stored is not None],
            [batch_id for batch_id, (_, _, dropped) in found if dropped],
        )

    def release(self, batch_ids: Sequence[str]) -> None:
        """Let go of batches that are not settled, and over which nobody died: they were held, or something failed."""
        if batch_ids:
            self.run(RELEASE, (keyspace.IN_FLIGHT,), [self.worker_id, *batch_ids])

    def settle(self, queue: str, batch_ids: Sequence[str]) -> int:
        """Remove batches whose rows are committed and on disk; returns how many were still there."""
        if not batch_ids:
            return 0
        keys = (keyspace.BATCHES, keyspace.pending(queue), keyspace.announced(queue), keyspace.IN_FLIGHT)
        return int(self.run(SETTLE, keys, list(batch_ids)))

    def tidy(self) -> None:
        """Forget in whose hands batches were that are settled; workers of an older version leave that behind."""
        for key in (keyspace.IN_FLIGHT, keyspace.ALONE):
            fields = [field.decode("utf-8", "replace") for field, _ in self.redis.hscan_iter(key)]
            batch_of = {field: field.partition(":")[0] for field in fields}
            there = set(self.still_there(list(set(batch_of.values()))))
            settled = [field for field, batch_id in batch_of.items() if batch_id not in there]
            for start in range(0, len(settled), IDS_AT_ONCE):
                self.redis.hdel(key, *settled[start : start + IDS_AT_ONCE])

    def overdue(self, queue: str, after_s: float, at_most: int, longest_queue: int) -> list[str]:
        """Batches not announced for `after_s`, oldest first, which from now on count as announced.

        At most `at_most`, and none while the broker's queue holds more than `longest_queue` announcements.
        """
        limits = (int(after_s * 1000), at_most, longest_queue)
        return [batch_id.decode() for batch_id in self.run(OVERDUE, (keyspace.announced(queue), queue), limits)]

    def figures(self, queues: Sequence[str]) -> Figures:
        """How the given queues stand, read together."""
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.time()
        pipeline.hmget(keyspace.LEDGER, ["life", "born_ms"])
        pipeline.hmget(keyspace.ORDINALS, list(queues))
        for queue in queues:
            pipeline.zcard(keyspace.pending(queue))
            pipeline.zrange(keyspace.pending(queue), 0, 0, withscores=True)
            pipeline.zrange(keyspace.pending(queue), -1, -1, withscores=True)
            pipeline.llen(queue)
        (seconds, micros), (life, born_ms), ordinals, *rest = pipeline.execute()
        return Figures(
            life=life.decode() if life else None,
            born_at=_at(int(born_ms)) if born_ms else None,
            now=_at(seconds * 1000 + micros // 1000),
            queues={
                queue: QueueFigures(
                    pending=rest[4 * i],
                    oldest_at=_score_at(rest[4 * i + 1]),
                    latest_at=_score_at(rest[4 * i + 2]),
                    announcements=rest[4 * i + 3],
                    last_ordinal=int(ordinals[i] or 0),
                )
                for i, queue in enumerate(queues)
            },
        )

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run one of our scripts. Raises redis.RedisError."""
        try:
            return self.redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return self.redis.eval(script.text, len(keys), *keys, *arguments)


def _read(batch_id: str, stored: bytes) -> Batch | Unreadable:
    try:
        return Batch.parse(batch_id, stored)
    except UnreadableBatch as error:
        return Unreadable(batch_id, stored, str(error))


def _score_at(found: Sequence[tuple[bytes, float]]) -> datetime | None:
    return _at(int(found[0][1])) if found else None


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

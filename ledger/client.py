"""Client: the synchronous side of the ledger: accept, take, settle or release, overdue, figures."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from redis.exceptions import NoScriptError

from ledger import keyspace
from ledger.batch import Batch, Header, NewBatch, UnreadableBatch
from ledger.clock import as_time, milliseconds
from ledger.connections import connect
from ledger.replicas import confirmed, wait_ms
from ledger.scripts import ACCEPT, OVERDUE, READ, RELEASE, SETTLE, TAKE, Script
from runtime.redis_url import RedisServer
from seven.events import QUEUES

READ_BYTES = 1024 * 1024
"""Most bytes that one call copies, beside the last batch: a millisecond or two of Redis' time."""
IDS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes stored under a batch id that are no batch: kept whole as a dead letter."""

    id: str
    stored: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch in flight, and how many workers took it and neither settled nor released it: most of them are dead."""

    batch: Batch | Unreadable
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class InFlight:
    """Result of `take`: batches to consume, and the ids of pending batches whose envelopes are gone."""

    taken: list[Taken]
    dropped: list[str]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue: its batches in the ledger, the oldest of them, its announcements, its last ordinal."""

    pending: int
    oldest_at: datetime | None
    latest_at: datetime | None
    """When the newest was accepted: in the future if Redis' clock has been set back since."""
    announcements: int
    last_ordinal: int


@dataclass(frozen=True, slots=True)
class Figures:
    """State of the ledger, by Redis' clock. `life` is None for a ledger that has accepted nothing yet."""

    life: str | None
    born_at: datetime | None
    now: datetime
    queues: dict[str, QueueFigures]


class Ledger:
    """The ledger for every process but the receiver. Every call raises redis.RedisError when Redis is unreachable.

    The client does not retry: the sweep announces the batch again.
    """

    def __init__(self, redis_url: str, timeout_s: float = 5.0, replicas: int = 0) -> None:
        """With `replicas`, as many must have a batch before `accept` returns."""
        self._timeout_s, self._replicas = timeout_s, replicas
        self.redis = connect(
            RedisServer.parse(redis_url),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            health_check_interval=30,
            client_name="seven-ingest",
        )
        self.worker_id = uuid.uuid4().hex[:8]
        """Identifies this process among all others, past and future."""

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def fetch(self, batch_ids: Sequence[str]) -> Iterator[Batch | Unreadable]:
        """The batches that are still in the ledger, in the order of their ids; settled ones are left out."""
        for batch_id, stored in self.read(batch_ids, "whole"):
            if stored is not None:
                yield _read(batch_id, stored)

    def read(self, batch_ids: Sequence[str], part: Literal["header", "whole"]) -> Iterator[tuple[str, bytes | None]]:
        """The stored bytes or header line of each id, None where nothing is stored; each call is short for Redis."""
        start = 0
        while ids := batch_ids[start : start + IDS_AT_ONCE]:
            stored = self.run(READ, (keyspace.BATCHES,), [READ_BYTES, part, *ids])
            yield from zip(ids, stored, strict=False)
            start += len(stored)

    def existing(self, batch_ids: Sequence[str]) -> list[str]:
        """The ids of those batches that are still in the ledger."""
        existing: list[str] = []
        for start in range(0, len(batch_ids), IDS_AT_ONCE):
            ids = batch_ids[start : start + IDS_AT_ONCE]
            pipeline = self.redis.pipeline(transaction=False)
            for batch_id in ids:
                pipeline.hexists(keyspace.BATCHES, batch_id)
            existing += [batch_id for batch_id, exists in zip(ids, pipeline.execute(), strict=True) if exists]
        return existing

    def take(self, queue: str, batch_ids: Sequence[str]) -> InFlight:
        """Fetch batches and record that this worker has them: `settle` or `release` each, or it counts as a death."""
        if not batch_ids:
            return InFlight([], [])
        keys = (keyspace.BATCHES, keyspace.IN_FLIGHT, keyspace.pending(queue), keyspace.announced(queue))
        answers = list(zip(batch_ids, self.run(TAKE, keys, [self.worker_id, *batch_ids]), strict=True))
        return InFlight(
            [Taken(_read(batch_id, stored), deaths) for batch_id, (stored, deaths, _) in answers if stored is not None],
            [batch_id for batch_id, (_, _, dropped) in answers if dropped],
        )

    def accept(self, batch: NewBatch) -> Header:
        """Write a batch that no receiver received: it counts as no sign of life of the gateway.

        On return it is durable. After redis.RedisError it may be there all the same. Raises UnreadableBatch.
        """
        keys, arguments = keyspace.accepted(batch.queue), batch.arguments(uuid.uuid4().hex)
        if not self._replicas:
            return Header.parse(self.run(ACCEPT, keys, arguments))
        pipeline = self.redis.pipeline(transaction=False)  # one connection: WAIT is about what it has written
        pipeline.eval(ACCEPT.text, len(keys), *keys, *arguments)
        pipeline.wait(self._replicas, wait_ms(self._timeout_s))
        (answer,) = confirmed(pipeline.execute(raise_on_error=False), self._replicas)
        if isinstance(answer, Exception):
            raise answer
        return Header.parse(answer)

    def release(self, batch_ids: Sequence[str]) -> None:
        """Give up batches without settling them and without counting a death: they were held, or an error occurred."""
        if batch_ids:
            self.run(RELEASE, (keyspace.IN_FLIGHT,), [self.worker_id, *batch_ids])

    def settle(self, queue: str, batch_ids: Sequence[str]) -> int:
        """Remove batches whose rows are committed to disk; returns how many were still there."""
        if not batch_ids:
            return 0
        keys = (keyspace.BATCHES, keyspace.pending(queue), keyspace.announced(queue), keyspace.IN_FLIGHT)
        return int(self.run(SETTLE, keys, list(batch_ids)))

    def forget_settled(self) -> None:
        """Remove entries of settled batches, whatever left them.

        For one, a worker that is killed while it isolates a batch which another has settled, in `seven:alone`.
        """
        for key in (keyspace.IN_FLIGHT, keyspace.ALONE):
            fields = [field.decode("utf-8", "replace") for field, _ in self.redis.hscan_iter(key)]
            batch_of = {field: field.partition(":")[0] for field in fields}
            existing = set(self.existing(list(set(batch_of.values()))))
            settled = [field for field, batch_id in batch_of.items() if batch_id not in existing]
            for start in range(0, len(settled), IDS_AT_ONCE):
                self.redis.hdel(key, *settled[start : start + IDS_AT_ONCE])

    def overdue(self, queue: str, after_s: float, at_most: int, longest_queue: int) -> list[str]:
        """Batches not announced for `after_s`, oldest first; from now on they count as announced.

        At most `at_most`, and none while the broker's queue holds more than `longest_queue` announcements.
        """
        limits = (int(after_s * 1000), at_most, longest_queue)
        return [batch_id.decode() for batch_id in self.run(OVERDUE, (keyspace.announced(queue), queue), limits)]

    def queues(self) -> tuple[str, ...]:
        """Every queue of this version, and those in which another version has accepted deliveries."""
        numbered = cast("list[bytes]", self.redis.hkeys(keyspace.ORDINALS))
        return (*QUEUES, *sorted({queue.decode("utf-8", "replace") for queue in numbered} - {*QUEUES}))

    def figures(self, queues: Sequence[str]) -> Figures:
        """State of the given queues, read in one transaction. Announcements are those of this version's queues."""
        announced = [queue for queue in queues if queue in QUEUES]  # the broker's keys of others may be forbidden
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.time()
        pipeline.hmget(keyspace.LEDGER, ["life", "born_ms"])
        pipeline.hmget(keyspace.ORDINALS, list(queues))
        for queue in queues:
            pipeline.zcard(keyspace.pending(queue))
            pipeline.zrange(keyspace.pending(queue), 0, 0, withscores=True)
            pipeline.zrange(keyspace.pending(queue), -1, -1, withscores=True)
        for queue in announced:
            pipeline.llen(queue)
        time, (life, born_ms), ordinals, *rest = pipeline.execute()
        announcements = dict(zip(announced, rest[3 * len(queues) :], strict=True))
        return Figures(
            life=life.decode() if life else None,
            born_at=as_time(int(born_ms)) if born_ms else None,
            now=as_time(milliseconds(time)),
            queues={
                queue: QueueFigures(
                    pending=rest[3 * i],
                    oldest_at=_score_at(rest[3 * i + 1]),
                    latest_at=_score_at(rest[3 * i + 2]),
                    announcements=announcements.get(queue, 0),
                    last_ordinal=int(ordinals[i] or 0),
                )
                for i, queue in enumerate(queues)
            },
        )

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script of the ledger. Raises redis.RedisError."""
        try:
            return self.redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return self.redis.eval(script.text, len(keys), *keys, *arguments)


def _read(batch_id: str, stored: bytes) -> Batch | Unreadable:
    try:
        return Batch.parse(batch_id, stored)
    except UnreadableBatch as error:
        return Unreadable(batch_id, stored, str(error))


def _score_at(members: Sequence[tuple[bytes, float]]) -> datetime | None:
    return as_time(int(members[0][1])) if members else None

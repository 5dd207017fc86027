"""Surveying: which ordinals are in the ledger, as the audit asks; safe beside receivers and workers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ledger import keyspace
from ledger.batch import Batch, Header, UnreadableBatch
from ledger.client import IDS_AT_ONCE, Figures, Ledger, Unreadable
from seven.envelope import peek_id
from seven.ranges import Run, fold


@dataclass(frozen=True, slots=True)
class Survey:
    """What the ledger holds. `figures` were read first: each ordinal given out by then is in `held`, or settled."""

    figures: Figures
    held: dict[tuple[str, str], list[Run]]
    """By life and queue."""
    unreadable: int
    """Batches that are pending and whose header nobody can read: their ordinals are not in `held`."""
    empty: int
    """Batches that are pending and under which nothing lies."""
    stray: int
    """Batches that lie there and are pending in none of these queues: nobody here will announce them."""


def survey(ledger: Ledger, queues: Sequence[str]) -> Survey:
    """Look through the whole ledger, without its payloads. Raises redis.RedisError when it is away."""
    figures = ledger.figures(queues)
    held: dict[tuple[str, str], list[Run]] = defaultdict(list)
    unreadable, empty = 0, 0
    for queue in queues:
        for ids in _at_once(_pending(ledger, queue)):
            nothing: list[str] = []
            for batch_id, line in ledger.read(ids, "header"):
                if line is None:
                    nothing.append(batch_id)
                    continue
                try:
                    header = Header.parse(line)
                except UnreadableBatch:
                    unreadable += 1
                else:
                    fold(held[header.life, header.queue], (header.first, header.first + header.count - 1))
            empty += _still_pending(ledger, queue, nothing)
    return Survey(figures, dict(held), unreadable, empty, _stray(ledger, queues))


def held_ids(ledger: Ledger, queues: Sequence[str]) -> Iterator[str]:
    """The id of each delivery in the ledger. Raises redis.RedisError when it is away."""
    for batch in held_batches(ledger, queues):
        if isinstance(batch, Batch):
            yield from filter(None, map(peek_id, batch.lines))


def held_batches(ledger: Ledger, queues: Sequence[str]) -> Iterator[Batch | Unreadable]:
    """All that is pending, some of it at a time in memory. Raises redis.RedisError when the ledger is away."""
    for queue in queues:
        for ids in _at_once(_pending(ledger, queue)):
            yield from ledger.fetch(ids)


def _pending(ledger: Ledger, queue: str) -> Iterator[str]:
    """The batches of a queue that are pending by now, oldest first, so that their ordinals nearly always ascend.

    Each that is pending all the while comes, and once, whatever is settled meanwhile: its score never moves.
    """
    key = keyspace.pending(queue)
    newest: Any = ledger.redis.zrange(key, -1, -1, withscores=True)
    score, seen = float("-inf"), set[bytes]()
    while newest:
        # of one score there may be many, and some of those before may be gone: so they are asked for again
        page: Any = ledger.redis.zrange(
            key, score, newest[0][1], byscore=True, offset=0, num=IDS_AT_ONCE + len(seen), withscores=True
        )
        fresh = [(batch_id, at) for batch_id, at in page if batch_id not in seen]
        if not fresh:
            return
        yield from (batch_id.decode() for batch_id, _ in fresh)
        if fresh[-1][1] != score:
            score, seen = fresh[-1][1], set()
        seen.update(batch_id for batch_id, at in fresh if at == score)


def _still_pending(ledger: Ledger, queue: str, ids: list[str]) -> int:
    """How many of these are pending now: one that was settled between two looks is not."""
    return sum(score is not None for score in ledger.redis.zmscore(keyspace.pending(queue), ids)) if ids else 0


def _stray(ledger: Ledger, queues: Sequence[str]) -> int:
    pipeline = ledger.redis.pipeline(transaction=True)
    pipeline.hlen(keyspace.BATCHES)
    for queue in queues:
        pipeline.zcard(keyspace.pending(queue))
    stored, *pending = map(int, pipeline.execute())
    return max(0, stored - sum(pending))


def _at_once(ids: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(ids, IDS_AT_ONCE)):
        yield some

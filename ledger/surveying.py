"""Surveying: which ordinals are in the ledger, as the audit asks; safe beside receivers and workers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ledger import keyspace
from ledger.batch import Batch, Header, UnreadableBatch
from ledger.runs import Run, runs
from ledger.scripts import HEADERS
from ledger.settling import Figures, Ledger, Unreadable
from seven.envelope import peek_id

AT_ONCE = 1000  # batches in one round trip: about a millisecond of Redis' time
PAYLOADS_AT_ONCE = 32


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
        for ids in _at_once(_pending(ledger, queue), AT_ONCE):
            nothing: list[str] = []
            for batch_id, stored in zip(ids, ledger.run(HEADERS, (keyspace.BATCHES,), ids), strict=True):
                if stored is None:
                    nothing.append(batch_id)
                    continue
                try:
                    header = Header.parse(stored)
                except UnreadableBatch:
                    unreadable += 1
                else:
                    held[header.life, header.queue].append((header.first, header.first + header.count - 1))
            empty += _still_pending(ledger, queue, nothing)
    return Survey(
        figures, {place: runs(found) for place, found in held.items()}, unreadable, empty, _stray(ledger, queues)
    )


def held_ids(ledger: Ledger, queues: Sequence[str]) -> Iterator[str]:
    """The id of each delivery in the ledger. Raises redis.RedisError when it is away."""
    for batch in held_batches(ledger, queues):
        if isinstance(batch, Batch):
            yield from filter(None, map(peek_id, batch.lines))


def held_batches(ledger: Ledger, queues: Sequence[str]) -> Iterator[Batch | Unreadable]:
    """All that is pending, some of it at a time in memory. Raises redis.RedisError when the ledger is away."""
    for queue in queues:
        for ids in _at_once(_pending(ledger, queue), PAYLOADS_AT_ONCE):
            yield from ledger.fetch(ids)


def _pending(ledger: Ledger, queue: str) -> Iterator[str]:
    """The batches of a queue; each that is pending all the while comes at least once, whatever is settled meanwhile."""
    found: Iterable[tuple[Any, float]] = ledger.redis.zscan_iter(keyspace.pending(queue), count=AT_ONCE)
    return (batch_id.decode() for batch_id, _ in found)


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


def _at_once(ids: Iterator[str], size: int) -> Iterator[list[str]]:
    while some := list(islice(ids, size)):
        yield some

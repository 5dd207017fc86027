"""Scan: which ordinals are in the ledger, for the audit; safe beside running receivers and workers."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ledger import keyspace
from ledger.batch import Batch, Header, UnreadableBatch
from ledger.client import IDS_AT_ONCE, Figures, Ledger, Unreadable
from seven.envelope import peek_id
from seven.ranges import OrdinalRange, add_range


@dataclass(frozen=True, slots=True)
class LedgerScan:
    """Contents of the ledger. `figures` are read first: each ordinal given out by then is in `ordinals` or settled."""

    figures: Figures
    ordinals: dict[tuple[str, str], list[OrdinalRange]]
    """By life and queue."""
    unreadable: int
    """Pending batches with an unreadable header: their ordinals are not in `ordinals`."""
    empty: int
    """Pending batches without stored bytes."""
    stray: int
    """Stored batches that are pending in none of the queues: no sweep announces them."""


def scan_ledger(ledger: Ledger, check: Callable[[], object] = lambda: None) -> LedgerScan:
    """Read every header of the ledger, of all its queues. Raises redis.RedisError when Redis is unreachable.

    It calls `check` before each read; what that raises ends the scan.
    """
    queues = ledger.queues()
    figures = ledger.figures(queues)
    ordinals: dict[tuple[str, str], list[OrdinalRange]] = defaultdict(list)
    unreadable, empty = 0, 0
    for queue in queues:
        for ids in _chunks(_pending(ledger, queue)):
            check()
            without_bytes: list[str] = []
            for batch_id, line in ledger.read(ids, "header"):
                if line is None:
                    without_bytes.append(batch_id)
                    continue
                try:
                    header = Header.parse(line)
                except UnreadableBatch:
                    unreadable += 1
                else:
                    add_range(ordinals[header.life, header.queue], (header.first, header.first + header.count - 1))
            empty += _still_pending(ledger, queue, without_bytes)
    return LedgerScan(figures, dict(ordinals), unreadable, empty, _stray(ledger))


def pending_delivery_ids(ledger: Ledger) -> Iterator[str]:
    """The id of each delivery in the ledger. Raises redis.RedisError when Redis is unreachable."""
    for batch in pending_batches(ledger):
        if isinstance(batch, Batch):
            yield from filter(None, map(peek_id, batch.lines))


def pending_batches(ledger: Ledger) -> Iterator[Batch | Unreadable]:
    """Every pending batch, a few at a time in memory. Raises redis.RedisError when Redis is unreachable."""
    for queue in ledger.queues():
        for ids in _chunks(_pending(ledger, queue)):
            yield from ledger.fetch(ids)


def _pending(ledger: Ledger, queue: str) -> Iterator[str]:
    """The batches of a queue that are pending now, oldest first, so that their ordinals nearly always ascend.

    A batch that stays pending is yielded exactly once, whatever is settled meanwhile: its score never moves.
    """
    key = keyspace.pending(queue)
    newest: Any = ledger.redis.zrange(key, -1, -1, withscores=True)
    score, seen = float("-inf"), set[bytes]()
    while newest:
        # many batches may share a score, and earlier ones may be settled by now: so each page starts at the last score
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
    """How many of these are pending now; batches settled since the first read are not."""
    return sum(score is not None for score in ledger.redis.zmscore(keyspace.pending(queue), ids)) if ids else 0


def _stray(ledger: Ledger) -> int:
    """It counts again if a queue has its first delivery meanwhile, whose batch is pending in none of those read."""
    queues = ledger.queues()
    pipeline = ledger.redis.pipeline(transaction=True)
    pipeline.hlen(keyspace.BATCHES)
    for queue in queues:
        pipeline.zcard(keyspace.pending(queue))
    stored, *pending = map(int, pipeline.execute())
    return max(0, stored - sum(pending)) if ledger.queues() == queues else _stray(ledger)


def _chunks(ids: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(ids, IDS_AT_ONCE)):
        yield chunk

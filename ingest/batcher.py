"""Gathering: while one write to the ledger is in flight, arriving deliveries gather for the next (group commit)."""

import asyncio
import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from uuid_utils import uuid7

from ingest.metrics import ReceiverMetrics
from ingest.readiness import Readiness
from ledger.batch import Header, NewBatch
from ledger.writer import LedgerWriter, NotAccepted
from runtime.logs import logger
from seven.envelope import peek_id

log = logger("seven.ingest")

OVERHEAD = 200
"""Bytes that a delivery costs in memory beside its envelope."""

BATCH_BYTES = 1024 * 1024
"""No envelope is added to a batch that has grown to this."""


IDS_PER_LINE = 90
"""A line of the log stays below 4 KiB, which a pipe takes whole and no collector splits."""


BEHIND_S = 300.0
"""A clock that is further behind Redis' than this is not believed: rows that look too old are removed too early."""


TICK_S = 0.1
"""Between two looks at who has waited too long: a timer for each delivery would cost as much as its parsing."""


@dataclass(slots=True, eq=False)
class _Waiting:
    queue: str
    line: bytes
    evidence: tuple[str, ...]
    """Fields of `seven:tokens`: by which token it came, and by which public URL where that is known."""
    answer: asyncio.Future[None]
    until: float


class Batcher:
    """Turns single envelopes into batches. An idle ledger is written to at once: low load waits for nothing.

    `announce(queue, batch_id)` is called for each accepted batch and must not block.
    """

    def __init__(
        self,
        acceptor: LedgerWriter,
        announce: Callable[[str, str], None],
        readiness: Readiness,
        metrics: ReceiverMetrics | None = None,
        *,
        batch_size: int,
        waiting_limit: int,
        deadline_s: float,
    ) -> None:
        self._acceptor, self._announce, self._readiness = acceptor, announce, readiness
        self._metrics = metrics or ReceiverMetrics()
        self._batch_size, self._waiting_limit, self._deadline_s = batch_size, waiting_limit, deadline_s
        self._waiting: deque[_Waiting] = deque()
        self._written: list[_Waiting] = []
        self._size = 0
        self._life: str | None = None
        self._redis_origin = -math.inf
        """Redis' time when the monotonic clock was 0, in seconds since 1970; before it is known, ages ago."""
        self._is_behind = False
        self._lately: str | None = None  # why the last write failed, if it did
        self._arrived = asyncio.Event()
        self._closing = False

    async def accept(self, queue: str, line: bytes, evidence: tuple[str, ...]) -> None:
        """Return when the envelope is in the ledger. Raises NotAccepted when that is not known to be so in time."""
        size = len(line) + OVERHEAD
        if self._size + size > min(self._waiting_limit, self._readiness.room()):
            raise NotAccepted("full")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(queue, line, evidence, loop.create_future(), loop.time() + self._deadline_s)
        self._waiting.append(waiting)
        self._size += size
        self._arrived.set()
        await waiting.answer

    def now(self) -> datetime:
        """The time of receipt: by this machine's clock, or by Redis' while that is far ahead of it."""
        own = time.time()
        redis_now = self._redis_origin + time.monotonic()  # which setting a clock does not alter
        return datetime.fromtimestamp(redis_now if redis_now - own > BEHIND_S else own, UTC)

    async def run(self) -> None:
        """Write what gathers, one round trip at a time, until closed and empty."""
        watching = asyncio.create_task(self._watch())
        try:
            while self._waiting or not self._closing:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    self._written = self._taken()
                    await self._write(self._written)
                    self._written = []
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        """Tell who has waited too long that nobody knows."""
        while True:
            await asyncio.sleep(TICK_S)
            now = asyncio.get_running_loop().time()
            for waiting in itertools.chain(self._written, self._waiting):  # the longest waiting first
                if waiting.until > now:
                    break
                if not waiting.answer.done():
                    waiting.answer.set_exception(NotAccepted(self._lately or "too slow"))

    def close(self) -> None:
        """Let `run` end when nothing waits any more."""
        self._closing = True
        self._arrived.set()

    def _taken(self) -> list[_Waiting]:
        """What the next write carries: bounded in count and bytes, without those who were answered 503 meanwhile."""
        taken: list[_Waiting] = []
        size = 0
        while self._waiting and len(taken) < self._batch_size and size < BATCH_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].line) + OVERHEAD
        self._size -= size
        self._readiness.wrote(size)
        return [one for one in taken if not one.answer.done()]

    async def _write(self, taken: list[_Waiting]) -> None:
        if not taken:
            return
        by_queue = sorted(taken, key=lambda one: one.queue)
        groups = [list(group) for _, group in itertools.groupby(by_queue, key=lambda one: one.queue)]
        batches = [
            NewBatch(
                id=str(uuid7()),
                queue=group[0].queue,
                lines=[one.line for one in group],
                fingerprints=frozenset(itertools.chain.from_iterable(one.evidence for one in group)),
            )
            for group in groups
        ]
        answers = await self._acceptor.accept(batches)
        for batch, group, answer in zip(batches, groups, answers, strict=True):
            for one in group:
                if not one.answer.done():
                    one.answer.set_exception(answer) if isinstance(answer, NotAccepted) else one.answer.set_result(None)
            self._tell(batch, answer)

    def _tell(self, batch: NewBatch, answer: Header | NotAccepted) -> None:
        size = len(batch.lines)
        self._lately = str(answer) if isinstance(answer, NotAccepted) else None
        if isinstance(answer, NotAccepted):
            log.warning("not accepted", batch=batch.id, queue=batch.queue, deliveries=size, cause=str(answer))
            return
        self._metrics.batch(size)
        self._notice(answer.life)
        self.compare(answer.accepted_at)
        self._announce(batch.queue, batch.id)
        for start in range(0, size, IDS_PER_LINE):
            lines = batch.lines[start : start + IDS_PER_LINE]
            log.info(
                "accepted",
                batch=batch.id,
                queue=batch.queue,
                deliveries=len(lines),
                life=answer.life,
                first=answer.first + start,
                ids=[*filter(None, map(peek_id, lines))],  # all that is left to tell, should Redis lose them
            )

    def compare(self, redis_now: datetime) -> None:
        """Learn what Redis' clock says now."""
        self._redis_origin = redis_now.timestamp() - time.monotonic()
        ahead_s = redis_now.timestamp() - time.time()
        if (ahead_s > BEHIND_S) != self._is_behind:
            self._is_behind = not self._is_behind
            message = "this machine's clock is " + ("" if self._is_behind else "not any more ") + "behind Redis'"
            log.warning(message, apart_s=round(abs(ahead_s)))

    def _notice(self, life: str) -> None:
        """A ledger that begins anew while we are receiving has lost what was pending: somebody has to know."""
        if self._life not in (None, life):
            log.critical("the ledger has a new life: what was pending is gone", life=life, before=self._life)
        self._life = life

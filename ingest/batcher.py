"""Batcher: deliveries that arrive during one write to the ledger go into the next (group commit)."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from uuid_utils import uuid7

from ingest.metrics import ReceiverMetrics
from ingest.readiness import Readiness
from ingest.receipt_clock import ReceiptClock
from ledger.batch import Header, NewBatch
from ledger.writer import LedgerWriter, NotAccepted
from runtime.logs import logger
from runtime.trace_ids import Trace
from runtime.traces import OFF, Attributes, Step, Traces
from seven.envelope import peek_id

log = logger("seven.ingest")

OVERHEAD = 200
"""Bytes of memory that a delivery takes beside its envelope."""

BATCH_BYTES = 1024 * 1024
"""A batch of this size takes no further envelope."""

IDS_PER_LINE, TRACES_PER_LINE = 90, 50
"""Keep a log line below 4 KiB, which a pipe writes atomically and no collector splits."""

TICK_S = 0.1
"""Seconds between two checks for expired deliveries: a timer for each would cost as much as its parsing."""


@dataclass(slots=True, eq=False)
class _Waiting:
    queue: str
    line: bytes
    evidence: tuple[str, ...]
    """Fields of `seven:tokens`: the delivery's token, and its public URL where that is known."""
    answer: asyncio.Future[None]
    until: float
    trace: Trace | None
    since: float = field(default_factory=time.monotonic)


class Batcher:
    """Turns single envelopes into batches. It writes to an idle ledger at once: low load does not wait.

    `announce(queue, batch_id, traces)` is called for each accepted batch and must not block. `clock` observes Redis'
    time in each answer.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        announce: Callable[[str, str, Sequence[Trace]], None],
        readiness: Readiness,
        metrics: ReceiverMetrics | None = None,
        *,
        clock: ReceiptClock,
        batch_size: int,
        waiting_limit: int,
        deadline_s: float,
        traces: Traces = OFF,
    ) -> None:
        self._writer, self._announce, self._readiness, self._clock = writer, announce, readiness, clock
        self._metrics, self._traces = metrics or ReceiverMetrics(), traces
        self._batch_size, self._waiting_limit, self._deadline_s = batch_size, waiting_limit, deadline_s
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: list[_Waiting] = []
        self._size = 0
        self._life: str | None = None
        self._last_failure: NotAccepted | None = None  # why the last write failed, if it did
        self._arrived = asyncio.Event()
        self._closing = False

    async def accept(self, queue: str, line: bytes, evidence: tuple[str, ...], trace: Trace | None = None) -> None:
        """Return when the envelope is in the ledger. Raises NotAccepted when that is not confirmed in time."""
        size = len(line) + OVERHEAD
        if self._size + size > min(self._waiting_limit, self._readiness.room()):
            raise NotAccepted("full")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(queue, line, evidence, loop.create_future(), loop.time() + self._deadline_s, trace)
        self._waiting.append(waiting)
        self._size += size
        self._arrived.set()
        await waiting.answer

    async def run(self) -> None:
        """Write waiting envelopes, one round trip at a time, until closed and empty."""
        expiry = asyncio.create_task(self._expire())
        try:
            while self._waiting or not self._closing:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    self._in_flight = self._take()
                    await self._write(self._in_flight)
                    self._in_flight = []
        finally:
            expiry.cancel()

    async def _expire(self) -> None:
        """Fail each delivery that has waited too long: whether the ledger has it is unknown."""
        while True:
            await asyncio.sleep(TICK_S)
            now = asyncio.get_running_loop().time()
            for waiting in itertools.chain(self._in_flight, self._waiting):  # the longest waiting first
                if waiting.until > now:
                    break
                if not waiting.answer.done():
                    waiting.answer.set_exception(self._last_failure or NotAccepted("too slow"))

    def close(self) -> None:
        """Let `run` return once no delivery waits."""
        self._closing = True
        self._arrived.set()

    def _take(self) -> list[_Waiting]:
        """Take the next write's deliveries, bounded in count and bytes; those answered 503 meanwhile are dropped."""
        taken: list[_Waiting] = []
        size = 0
        while self._waiting and len(taken) < self._batch_size and size < BATCH_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].line) + OVERHEAD
        self._size -= size
        self._readiness.wrote(size)
        return [delivery for delivery in taken if not delivery.answer.done()]

    async def _write(self, taken: list[_Waiting]) -> None:
        if not taken:
            return
        by_queue = sorted(taken, key=attrgetter("queue"))
        groups = [list(group) for _, group in itertools.groupby(by_queue, key=attrgetter("queue"))]
        batches = [
            NewBatch(
                id=str(uuid7()),
                queue=group[0].queue,
                lines=[delivery.line for delivery in group],
                fingerprints=frozenset(itertools.chain.from_iterable(delivery.evidence for delivery in group)),
            )
            for group in groups
        ]
        began = time.monotonic()
        answers = await self._writer.accept(batches)
        for batch, group, answer in zip(batches, groups, answers, strict=True):
            for delivery in group:
                if delivery.answer.done():
                    continue
                if isinstance(answer, NotAccepted):
                    delivery.answer.set_exception(answer)
                else:
                    delivery.answer.set_result(None)
            traces = self._trace(batch, group, answer, began) if self._traces.is_on else []
            self._report(batch, answer, traces)

    def _trace(
        self, batch: NewBatch, group: Sequence[_Waiting], answer: Header | NotAccepted, began: float
    ) -> list[Trace]:
        """Record a write: in the trace of each delivery that is sampled, which it returns, and as one of the batch."""
        ended, error = time.monotonic(), answer.kind if isinstance(answer, NotAccepted) else None
        traces: list[Trace] = []
        for delivery in group:
            if delivery.trace is not None:
                self._traces.record(delivery.trace, Step("accept", delivery.since, ended, error, batch.id))
                traces.append(delivery.trace)
        if traces:
            attributes: Attributes = {"seven.queue": batch.queue, "seven.deliveries": len(batch.lines)}
            self._traces.record_batch(batch.id, Step("batch", began, ended, error, attributes=attributes), traces)
        return traces

    def _report(self, batch: NewBatch, answer: Header | NotAccepted, traces: Sequence[Trace]) -> None:
        size = len(batch.lines)
        self._last_failure = answer if isinstance(answer, NotAccepted) else None
        if isinstance(answer, NotAccepted):
            log.warning("not accepted", batch=batch.id, queue=batch.queue, deliveries=size, cause=str(answer))
            return
        self._metrics.batch(size)
        self._check_life(answer.life)
        self._clock.observe(answer.accepted_at)
        self._announce(batch.queue, batch.id, traces)
        for start in range(0, size, IDS_PER_LINE):
            lines = batch.lines[start : start + IDS_PER_LINE]
            log.info(
                "accepted",
                batch=batch.id,
                queue=batch.queue,
                deliveries=len(lines),
                life=answer.life,
                first=answer.first + start,
                ids=[*filter(None, map(peek_id, lines))],  # the only record of them if Redis loses them
            )
        for start in range(0, len(traces), TRACES_PER_LINE):
            part = traces[start : start + TRACES_PER_LINE]
            log.info("traced", batch=batch.id, ids=[each.subject for each in part], traces=[each.hex for each in part])

    def _check_life(self, life: str) -> None:
        """Log a change of life: a ledger that begins empty while the receiver runs has lost its pending batches."""
        if self._life not in (None, life):
            log.critical("the ledger has a new life: its pending batches are gone", life=life, before=self._life)
        self._life = life

"""The protocol as a small model on the ledger's own scripts: accept, announce, sweep, take, commit, settle.

Any process may crash between any two steps, and any announcement may be lost or repeated. The model proves that nothing
is lost and that every queue is bounded."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ledger.batch import Batch, Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from tests.extent import size, sized
from tests.servers import PATIENCE_S, Valkey
from workers.sweep import Sweep

QUEUE = "dlr"
AT_MOST = 5  # batches that one sweep announces


class Protocol(RuleBasedStateMachine):
    """Many receivers and workers; a crash leaves only their effects in Redis and in the database."""

    in_hand = Bundle("in_hand")
    """Batches that workers have taken and not ended: a worker crashes by never acting again."""
    written = Bundle("written")

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(self.url)
        self.ledger.redis.flushall()
        self.names = count()
        self.rows: set[tuple[str, int]] = set()
        self.promised: set[str] = set()
        self.numbered: dict[str, range] = {}
        self.sweep = Sweep(self.ledger, self._announce, overdue_s=0, at_most=AT_MOST)

    def teardown(self) -> None:
        self.ledger.close()

    @rule(size=st.integers(1, 3), answered=st.booleans(), announced=st.booleans(), resent=st.booleans())
    def accept(self, size: int, *, answered: bool, announced: bool, resent: bool) -> None:
        """A receiver writes a batch; it may resend it, and may crash before it answers, or before it announces."""
        batch = NewBatch(f"batch-{next(self.names)}", QUEUE, [b"{}"] * size, frozenset())
        first = self._write(batch)
        assert not resent or self._write(batch) == first
        self.numbered[batch.id] = range(first.first, first.first + size)
        if answered:
            self.promised.add(batch.id)
        if announced:
            self._announce(QUEUE, [batch.id])

    @rule()
    def announcement_is_lost(self) -> None:
        self.ledger.redis.rpop(QUEUE)

    @rule()
    def announcement_comes_again(self) -> None:
        if (announcement := self.ledger.redis.lindex(QUEUE, -1)) is not None:
            self.ledger.redis.lpush(QUEUE, announcement)

    @rule()
    def sweep_once(self) -> None:
        self.sweep.run()

    @rule(target=in_hand)
    def take(self) -> Any:
        """A worker pops an announcement from the broker, and takes its batches."""
        if (announcement := self.ledger.redis.rpop(QUEUE)) is None:
            return multiple()
        in_flight = self.ledger.take(QUEUE, announcement.decode().split())
        assert not in_flight.dropped
        return [taken.batch for taken in in_flight.taken]

    @rule(batches=in_hand)
    def take_again(self, batches: list[Batch]) -> None:
        """Another worker takes the same batches, announced again."""
        self.ledger.take(QUEUE, [batch.id for batch in batches])

    @rule(target=written, batches=consumes(in_hand))
    def commit(self, batches: list[Batch]) -> list[str]:
        """The rows are on disk, and stay whatever happens."""
        for batch in batches:
            self.rows |= {(batch.header.life, ordinal) for ordinal, _ in batch.numbered()}
        return [batch.id for batch in batches]

    @rule(batches=consumes(in_hand))
    def hold(self, batches: list[Batch]) -> None:
        """The database is down: a worker releases its batches."""
        self.ledger.release([batch.id for batch in batches])

    @rule(ids=consumes(written))
    def settle(self, ids: list[str]) -> None:
        self.ledger.settle(QUEUE, ids)

    @rule(batches=consumes(in_hand))
    def a_worker_dies(self, batches: list[Batch]) -> None:
        """A worker dies with uncommitted batches."""

    @rule(ids=consumes(written))
    def a_worker_dies_after_its_commit(self, ids: list[str]) -> None:
        """A worker dies with rows on disk and batches unsettled."""

    @invariant()
    def nothing_is_lost(self) -> None:
        """An answered delivery is a row, or in the ledger and will be announced."""
        life = self.ledger.figures([QUEUE]).life or ""
        waiting = {member.decode() for member in self.ledger.redis.zrange(f"seven:announced:{QUEUE}", 0, -1)}
        stored = {field.decode() for field in self.ledger.redis.hkeys("seven:batches")}
        for batch_id in self.promised:
            kept = {(life, ordinal) for ordinal in self.numbered[batch_id]} <= self.rows
            assert kept or (batch_id in waiting and batch_id in stored), batch_id

    @invariant()
    def ordinals_are_dense(self) -> None:
        """Ordinals are given out without a gap and never twice, resent batches included."""
        given = sorted(ordinal for ordinals in self.numbered.values() for ordinal in ordinals)
        assert given == list(range(1, self.ledger.figures([QUEUE]).queues[QUEUE].last_ordinal + 1))

    @invariant()
    def nothing_grows_without_a_bound(self) -> None:
        """A batch is under all of its keys or under none; deaths are counted for existing batches only."""
        sizes = {self.ledger.redis.hlen("seven:batches"), *map(self.ledger.redis.zcard, self._sets())}
        assert len(sizes) == 1
        assert self.ledger.redis.hlen("seven:in_hand") <= sizes.pop()

    @rule()
    def all_is_well_at_last(self) -> None:
        """With a sweep and one running worker every delivery becomes a row, whichever workers died before."""
        for _ in range(len(self.numbered) + 1):
            before = self.ledger.redis.llen(QUEUE)
            announced = self.sweep.run()
            assert announced <= AT_MOST
            assert self.ledger.redis.llen(QUEUE) <= before + announced
            while (announcement := self.ledger.redis.rpop(QUEUE)) is not None:
                taken = self.ledger.take(QUEUE, announcement.decode().split()).taken
                batches = [entry.batch for entry in taken]
                self.commit_and_settle(batches)
        assert self.ledger.redis.hlen("seven:batches") == 0
        assert {ordinal for _, ordinal in self.rows} == {
            ordinal for ordinals in self.numbered.values() for ordinal in ordinals
        }

    def commit_and_settle(self, batches: list[Any]) -> None:
        for batch in batches:
            self.rows |= {(batch.header.life, ordinal) for ordinal, _ in batch.numbered()}
        self.ledger.settle(QUEUE, [batch.id for batch in batches])

    def _sets(self) -> Iterator[str]:
        return (f"seven:{kind}:{QUEUE}" for kind in ("pending", "announced"))

    def _announce(self, queue: str, batch_ids: Any) -> None:
        self.ledger.redis.lpush(queue, " ".join(batch_ids))

    def _write(self, batch: NewBatch) -> Header:
        async def run() -> Header:
            async with LedgerWriter(self.url, PATIENCE_S) as writer:
                (answer,) = await writer.accept([batch])
                assert isinstance(answer, Header)
                return answer

        return asyncio.run(run())


@pytest.mark.duration(8)
@sized
def test_no_loss_and_no_unbounded_queue(shared_valkey: Valkey):
    """The invariants hold in any order of steps, crashes, losses and repeats."""

    class Here(Protocol):
        url = shared_valkey.url

    run = Here.TestCase()
    run.settings = settings(
        max_examples=size(20, 60),
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run.runTest()

"""Gathering: what arrives during a write goes with the next one, and no bound is passed."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from ingest.batcher import BATCH_BYTES, Batcher
from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.health import probe
from ledger.writer import NotAccepted


class SlowLedger:
    """A ledger of which a test decides when it answers."""

    def __init__(self) -> None:
        self.batches: list[NewBatch] = []
        self.begun, self.open = asyncio.Event(), asyncio.Event()

    async def accept(self, batches: Sequence[NewBatch]) -> list[Header | NotAccepted]:
        self.batches.extend(batches)
        self.begun.set()
        await self.open.wait()
        header = b'{"queue":"dlr","life":"l","first":1,"count":1,"accepted_ms":1}'
        return [Header.parse(header) for _ in batches]


class Room:
    """A readiness that counts."""

    def __init__(self, room: int = 2**40) -> None:
        self.left = room

    def room(self) -> int:
        return self.left

    def wrote(self, size: int) -> None:
        self.left -= 2 * size


async def gathered(
    lines: list[bytes], *, batch_size: int = 256, waiting_limit: int = 2**30, room: int = 2**40
) -> tuple[list[int], list[object]]:
    """Put lines while the first write is under way; the sizes of the batches, and what each sender is told."""
    ledger, told = SlowLedger(), []
    gathering = Batcher(
        ledger, lambda *_: None, Room(room), batch_size=batch_size, waiting_limit=waiting_limit, deadline_s=5
    )  # type: ignore[arg-type]
    writing = asyncio.create_task(gathering.run())
    first = asyncio.create_task(gathering.accept("dlr", b"first", ("f",)))
    await ledger.begun.wait()
    senders = [asyncio.create_task(gathering.accept("dlr", line, ("f",))) for line in lines]
    await asyncio.sleep(0)
    ledger.open.set()
    told = await asyncio.gather(first, *senders, return_exceptions=True)
    gathering.close()
    await writing
    return [len(batch.lines) for batch in ledger.batches], [one if one is None else str(one) for one in told]


def test_an_idle_ledger_is_written_to_at_once():
    """The first delivery waits for nobody; what comes meanwhile makes one batch."""
    assert asyncio.run(gathered([b"x"] * 40))[0] == [1, 40]


def test_a_batch_is_bounded():
    """In number, and in bytes."""
    assert asyncio.run(gathered([b"x"] * 40, batch_size=16))[0] == [1, 16, 16, 8]
    assert asyncio.run(gathered([b"x" * (BATCH_BYTES // 2)] * 4))[0] == [1, 2, 2]


@pytest.mark.parametrize("bound", ["waiting_limit", "room"])
def test_what_waits_is_bounded(bound: str):
    """Beyond the bytes that may wait, or that the ledger can take, a sender is told so at once."""
    _, told = asyncio.run(gathered([b"x" * 1000] * 10, **{bound: 6000}))
    assert told.count("full") > 3
    assert told.count(None) > 1


def test_what_was_answered_is_not_written_any_more():
    """A sender who was told 503 while waiting will come again: its delivery is left out of the next batch."""

    async def run() -> list[int]:
        ledger = SlowLedger()
        gathering = Batcher(ledger, lambda *_: None, Room(), batch_size=10, waiting_limit=2**20, deadline_s=0.05)  # type: ignore[arg-type]
        writing = asyncio.create_task(gathering.run())
        answers = await asyncio.gather(
            *(gathering.accept("dlr", b"x", ("f",)) for _ in range(15)), return_exceptions=True
        )
        assert {str(one) for one in answers} == {"too slow"}
        ledger.open.set()
        gathering.close()
        await writing
        return [len(batch.lines) for batch in ledger.batches]

    assert asyncio.run(run()) == [10]


def test_a_ledger_without_a_limit_gets_one(redis_url: str, ledger: Ledger):
    """Where Redis has no maxmemory, or a higher one, ours counts."""

    async def limit(ours: int) -> int:
        async with Redis.from_url(redis_url) as redis:
            return (await probe(redis, ours)).limit

    before = ledger.redis.config_get("maxmemory")["maxmemory"]
    try:
        assert asyncio.run(limit(10**6)) == 10**6
        ledger.redis.config_set("maxmemory", 0)
        assert asyncio.run(limit(10**6)) == 10**6
        ledger.redis.config_set("maxmemory", 10**8)
        assert asyncio.run(limit(10**9)) == 10**8
    finally:
        ledger.redis.config_set("maxmemory", before)

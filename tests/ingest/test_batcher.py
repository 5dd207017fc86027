"""Batcher: deliveries that arrive during a write go into the next one, within all limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ingest.batcher import BATCH_BYTES, Batcher
from ingest.receipt_clock import ReceiptClock
from ledger.batch import Header, NewBatch
from ledger.writer import NotAccepted


class SlowLedger:
    """A ledger that answers when the test opens it."""

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
    """A readiness that counts the bytes left."""

    def __init__(self, room: int = 2**40) -> None:
        self.left = room

    def room(self) -> int:
        return self.left

    def wrote(self, size: int) -> None:
        self.left -= 2 * size


def create_batcher(
    ledger: Any, readiness: Any, *, batch_size: int, waiting_limit: int = 2**20, deadline_s: float = 5
) -> Batcher:
    return Batcher(
        ledger,
        lambda *_: None,
        readiness,
        clock=ReceiptClock(),
        batch_size=batch_size,
        waiting_limit=waiting_limit,
        deadline_s=deadline_s,
    )


async def accept_during_a_write(
    lines: list[bytes], *, batch_size: int = 256, waiting_limit: int = 2**30, room: int = 2**40
) -> tuple[list[int], list[object]]:
    """Accept lines during the first write. Returns the batch sizes, and each sender's error or None."""
    ledger = SlowLedger()
    batcher = create_batcher(ledger, Room(room), batch_size=batch_size, waiting_limit=waiting_limit)
    writing = asyncio.create_task(batcher.run())
    first = asyncio.create_task(batcher.accept("dlr", b"first", ("f",)))
    await ledger.begun.wait()
    senders = [asyncio.create_task(batcher.accept("dlr", line, ("f",))) for line in lines]
    await asyncio.sleep(0)
    ledger.open.set()
    errors = await asyncio.gather(first, *senders, return_exceptions=True)
    batcher.close()
    await writing
    return [len(batch.lines) for batch in ledger.batches], [error and str(error) for error in errors]


def test_an_idle_ledger_is_written_to_at_once():
    """The first delivery does not wait; those that arrive meanwhile make one batch."""
    assert asyncio.run(accept_during_a_write([b"x"] * 40))[0] == [1, 40]


def test_a_batch_is_bounded():
    """A batch has a maximum of envelopes, and of bytes."""
    assert asyncio.run(accept_during_a_write([b"x"] * 40, batch_size=16))[0] == [1, 16, 16, 8]
    assert asyncio.run(accept_during_a_write([b"x" * (BATCH_BYTES // 2)] * 4))[0] == [1, 2, 2]


@pytest.mark.parametrize("bound", ["waiting_limit", "room"])
def test_waiting_deliveries_are_bounded(bound: str):
    """Beyond the bytes that may wait, or that the ledger can take, a delivery is refused at once."""
    _, errors = asyncio.run(accept_during_a_write([b"x" * 1000] * 10, **{bound: 6000}))
    assert errors.count("full") > 3
    assert errors.count(None) > 1


def test_refused_deliveries_are_not_written():
    """A delivery answered 503 while it waits is left out of the next batch: its sender retries."""

    async def run() -> list[int]:
        ledger = SlowLedger()
        batcher = create_batcher(ledger, Room(), batch_size=10, deadline_s=0.05)
        writing = asyncio.create_task(batcher.run())
        answers = await asyncio.gather(
            *(batcher.accept("dlr", b"x", ("f",)) for _ in range(15)), return_exceptions=True
        )
        assert {str(answer) for answer in answers} == {"too slow"}
        ledger.open.set()
        batcher.close()
        await writing
        return [len(batch.lines) for batch in ledger.batches]

    assert asyncio.run(run()) == [10]


def test_written_deliveries_make_room():
    """However many come, one after the other, none of those before counts as waiting."""

    async def run() -> None:
        ledger = SlowLedger()
        ledger.open.set()
        batcher = create_batcher(ledger, Room(), batch_size=10, waiting_limit=5000)
        writing = asyncio.create_task(batcher.run())
        for _ in range(50):
            await batcher.accept("dlr", b"x" * 1000, ())
        batcher.close()
        await writing

    asyncio.run(run())


def test_refused_deliveries_make_room():
    """After an outage as many may wait as before it."""

    async def run() -> None:
        ledger = SlowLedger()
        batcher = create_batcher(ledger, Room(), batch_size=10, waiting_limit=5000, deadline_s=0.05)
        writing = asyncio.create_task(batcher.run())

        async def accept(number: int) -> list[object]:
            deliveries = (batcher.accept("dlr", b"x" * 1000, ()) for _ in range(number))
            return [error and str(error) for error in await asyncio.gather(*deliveries, return_exceptions=True)]

        assert await accept(1) + await accept(3) == ["too slow"] * 4  # in flight, and waiting
        ledger.open.set()
        await asyncio.sleep(0)
        assert await accept(4) == [None] * 4
        batcher.close()
        await writing

    asyncio.run(run())


def test_whoever_waits_behind_a_failure_gets_its_reason():
    """It says more than that the time is over."""

    class Away(SlowLedger):
        """A ledger that refuses the first batch, and does not answer the second."""

        async def accept(self, batches: Sequence[NewBatch]) -> list[Header | NotAccepted]:
            if self.batches:
                await self.open.wait()
            self.batches.extend(batches)
            return [NotAccepted("ConnectionError") for _ in batches]

    async def run() -> list[str]:
        ledger = Away()
        batcher = create_batcher(ledger, Room(), batch_size=1, deadline_s=0.05)
        writing = asyncio.create_task(batcher.run())
        errors = await asyncio.gather(*(batcher.accept("dlr", b"x", ()) for _ in range(3)), return_exceptions=True)
        ledger.open.set()
        batcher.close()
        await writing
        return [str(error) for error in errors]

    assert asyncio.run(run()) == ["ConnectionError"] * 3

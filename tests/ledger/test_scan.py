"""Scan: its calls are short however large batches are, and its memory does not grow with the ledger."""

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from uuid_utils import uuid7

from ledger.batch import Batch
from ledger.client import Ledger
from ledger.scan import pending_batches, scan_ledger
from operations.audit import Auditor
from tests.extent import thorough_on_sqlite

QUEUE = "dlr"
ACCEPTED_MS = 1_790_000_000_000


def fill(ledger: Ledger, number: int, size: int = 50, at: Callable[[int], int] = lambda n: n // 3) -> list[str]:
    """Store batches of one envelope of about `size` bytes, as receivers do, accepted at `at(n)` milliseconds."""
    ids = [f"batch-{n:07d}" for n in range(number)]
    random.Random(7).shuffle(ids)  # no code relies on the order of ids
    pipeline = ledger.redis.pipeline(transaction=False)
    for n, batch_id in enumerate(ids):
        header = f'{{"v":1,"queue":"{QUEUE}","life":"l","first":{n + 1},"count":1,"accepted_ms":{ACCEPTED_MS}}}'
        envelope = f'{{"id":"{uuid7()}","padding":"{"x" * size}"}}'
        pipeline.hset("seven:batches", batch_id, f"{header}\n{envelope}")
        pipeline.zadd(f"seven:pending:{QUEUE}", {batch_id: ACCEPTED_MS + at(n)})
        if n % 1000 == 0:
            pipeline.execute()
    pipeline.hset("seven:ledger", mapping={"life": "l", "born_ms": ACCEPTED_MS})
    pipeline.hset("seven:ordinals", QUEUE, number)
    pipeline.execute()
    return ids


def calls(ledger: Ledger, command: str) -> int:
    return int(ledger.redis.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))


def peak_kib(work: Callable[[], object]) -> float:
    """The most memory that Python allocated during a call."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


READS = [
    pytest.param(scan_ledger, id="scan"),
    pytest.param(lambda ledger: [None for _ in pending_batches(ledger)], id="batches"),
]


@pytest.mark.parametrize("read", READS)
def test_no_call_reads_many_large_batches(ledger: Ledger, read: Callable[[Ledger], object]):
    """A call blocks Redis, and a receiver waits two seconds: of 48 MiB a call copies two at most."""
    fill(ledger, 96, size=512 * 1024)
    before = calls(ledger, "evalsha") + calls(ledger, "hmget")
    read(ledger)
    assert calls(ledger, "evalsha") + calls(ledger, "hmget") - before >= 24


@pytest.mark.parametrize("read", READS)
def test_small_batches_are_read_many_at_a_time(ledger: Ledger, read: Callable[[Ledger], object]):
    """Otherwise a ledger of millions would take hours."""
    fill(ledger, 2500)
    before = calls(ledger, "evalsha")
    read(ledger)
    assert calls(ledger, "evalsha") - before <= 5


@pytest.mark.parametrize("read", READS)
def test_memory_does_not_grow_with_the_ledger(ledger: Ledger, read: Callable[[Ledger], object]):
    """Seven times as many batches take no more memory."""
    fill(ledger, 2000)
    read(ledger)  # fills caches
    small = peak_kib(lambda: read(ledger))
    fill(ledger, 14_000)
    assert peak_kib(lambda: read(ledger)) < 2 * small


@thorough_on_sqlite
def test_answered_deliveries_are_searched_in_constant_memory(ledger: Ledger, engine: Engine):
    """The memory of `audit --against` does not grow with the ledger either."""
    auditor, ids = Auditor(ledger, engine), [str(uuid7()) for _ in range(3)]
    fill(ledger, 2000)
    auditor.audit(ids)
    small = peak_kib(lambda: auditor.audit(ids))
    fill(ledger, 14_000)
    assert peak_kib(lambda: auditor.audit(ids)) < 2 * small


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(lambda n: n // 3, id="as they come"),
        pytest.param(lambda n: 0, id="all at once"),
        pytest.param(lambda n: -n, id="while the clock goes back"),
        pytest.param(lambda n: n % 2000 * 1000, id="while the clock jumps"),
    ],
)
def test_pending_batches_are_read_once_whatever_is_settled_meanwhile(ledger: Ledger, at: Callable[[int], int]):
    """Also where one millisecond has more batches than one page."""
    ids = fill(ledger, 3500, at=at)
    settled, stays = set(ids[::2]), set(ids[1::2])
    came: list[str] = []
    for n, batch in enumerate(pending_batches(ledger)):
        came.append(batch.id)
        if n in (0, 900, 1800):
            ledger.settle(QUEUE, sorted(settled)[: 600 * (1 + n // 900)])
    assert len(set(came)) == len(came)
    assert stays <= set(came)


def test_batches_accepted_later_are_not_read(ledger: Ledger, accept: Any):
    """A scan ends, however fast receivers accept."""
    accept(b'{"id":"0"}')
    came = 0
    for batch in pending_batches(ledger):
        assert isinstance(batch, Batch)
        came += 1
        accept(b'{"id":"more"}')
    assert came == 1


def test_ordinals_fold_whatever_the_order(ledger: Ledger):
    """A clock that goes back reverses the order of ordinals, and they still are one run."""
    fill(ledger, 2500, at=lambda n: -n)
    assert scan_ledger(ledger).ordinals == {("l", QUEUE): [(1, 2500)]}


def test_forgetting_settled_batches_reads_no_batch(ledger: Ledger):
    """The ledger checks which batches exist without reading them."""
    ids = fill(ledger, 20, size=100_000)
    ledger.take(QUEUE, ids)
    ledger.redis.hset("seven:in_hand", mapping={f"gone-{n}": " w" for n in range(1500)})
    before = bytes_sent(ledger)
    ledger.forget_settled()
    assert bytes_sent(ledger) - before < 500_000
    assert {field.decode() for field in ledger.redis.hkeys("seven:in_hand")} == set(ids)


def bytes_sent(ledger: Ledger) -> int:
    """Bytes that Redis has sent so far."""
    return int(ledger.redis.info("stats")["total_net_output_bytes"])

"""Surveying: calls that are short however large batches are, and memory that does not grow with the ledger."""

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from uuid_utils import uuid7

from ledger.batch import Batch
from ledger.client import Ledger
from ledger.scan import held_batches, survey
from operations.audit import Auditor

QUEUE = "dlr"
ACCEPTED_MS = 1_790_000_000_000


def fill(ledger: Ledger, number: int, size: int = 50, at: Callable[[int], int] = lambda n: n // 3) -> list[str]:
    """So many batches of one envelope, of about so many bytes each, as receivers leave them; accepted when `at` says."""
    ids = [f"batch-{n:07d}" for n in range(number)]
    random.Random(7).shuffle(ids)  # uuid7 or not: nothing stands on the order of ids
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
    """The most memory that Python had more than before, while it did that."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


LOOKS = [
    pytest.param(lambda ledger: survey(ledger, [QUEUE]), id="survey"),
    pytest.param(lambda ledger: [None for _ in held_batches(ledger, [QUEUE])], id="batches"),
]


@pytest.mark.parametrize("look", LOOKS)
def test_no_call_reads_many_large_batches(ledger: Ledger, look: Callable[[Ledger], object]):
    """Redis does nothing else meanwhile, and a receiver waits two seconds: of 48 MiB a call copies two at most."""
    fill(ledger, 96, size=512 * 1024)
    before = calls(ledger, "evalsha") + calls(ledger, "hmget")
    look(ledger)
    assert calls(ledger, "evalsha") + calls(ledger, "hmget") - before >= 24


@pytest.mark.parametrize("look", LOOKS)
def test_small_batches_are_read_many_at_a_time(ledger: Ledger, look: Callable[[Ledger], object]):
    """A ledger of millions would take hours otherwise."""
    fill(ledger, 2500)
    before = calls(ledger, "evalsha")
    look(ledger)
    assert calls(ledger, "evalsha") - before <= 5


@pytest.mark.parametrize("look", LOOKS)
def test_memory_does_not_grow_with_the_ledger(ledger: Ledger, look: Callable[[Ledger], object]):
    """Seven times the batches take no more."""
    fill(ledger, 2000)
    look(ledger)  # whatever is kept from a first time
    small = peak_kib(lambda: look(ledger))
    fill(ledger, 14_000)
    assert peak_kib(lambda: look(ledger)) < 2 * small


def test_answers_are_looked_for_without_keeping_what_else_is_there(ledger: Ledger, engine: Engine):
    """Memory of `audit --against` does not grow with the ledger either."""
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
def test_each_that_stays_comes_once_whatever_is_settled_meanwhile(ledger: Ledger, at: Callable[[int], int]):
    """Also of a thousand times as many that were accepted in one millisecond as are read at once."""
    ids = fill(ledger, 3500, at=at)
    settled, stays = set(ids[::2]), set(ids[1::2])
    came: list[str] = []
    for n, batch in enumerate(held_batches(ledger, [QUEUE])):
        came.append(batch.id)
        if n in (0, 900, 1800):
            ledger.settle(QUEUE, sorted(settled)[: 600 * (1 + n // 900)])
    assert len(set(came)) == len(came)
    assert stays <= set(came)


def test_what_comes_later_is_left_to_later(ledger: Ledger, accept: Any):
    """A look ends, however fast receivers accept."""
    accept(b'{"id":"0"}')
    came = 0
    for batch in held_batches(ledger, [QUEUE]):
        assert isinstance(batch, Batch)
        came += 1
        accept(b'{"id":"more"}')
    assert came == 1


def test_ordinals_fold_whatever_the_order(ledger: Ledger):
    """A clock that goes back turns the order of ordinals round, and they are one run all the same."""
    fill(ledger, 2500, at=lambda n: -n)
    assert survey(ledger, [QUEUE]).held == {("l", QUEUE): [(1, 2500)]}


def test_tidying_moves_no_batch(ledger: Ledger):
    """It asks which of them are there; what is in them has to stay where it is."""
    ids = fill(ledger, 20, size=100_000)
    ledger.take(QUEUE, ids)
    ledger.redis.hset("seven:in_hand", mapping={f"gone-{n}": " w" for n in range(1500)})
    before = sent(ledger)
    ledger.tidy()
    assert sent(ledger) - before < 500_000
    assert {one.decode() for one in ledger.redis.hkeys("seven:in_hand")} == set(ids)


def sent(ledger: Ledger) -> int:
    """Bytes that Redis has sent so far."""
    return int(ledger.redis.info("stats")["total_net_output_bytes"])

"""The ledger's promises, each against a real Valkey."""

import asyncio
import secrets
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.batch import Batch, Header, NewBatch, UnreadableBatch
from ledger.claims import claimed
from ledger.client import Ledger, Unreadable
from ledger.writer import LedgerWriter, NotAccepted
from tests.servers import PATIENCE_S, Valkey, eventually, valkey


def batch(name: str, queue: str = "dlr", size: int = 1, line: bytes = b'{"id":"x"}') -> NewBatch:
    return NewBatch(id=name, queue=queue, lines=[line] * size, fingerprints=frozenset({"f00d"}))


def accept(redis_url: str, batches: Sequence[NewBatch], deadline_s: float = PATIENCE_S) -> list[Header | NotAccepted]:
    async def run() -> list[Header | NotAccepted]:
        async with LedgerWriter(redis_url, deadline_s) as acceptor:
            return await acceptor.accept(batches)

    return asyncio.run(run())


def firsts(answers: Sequence[Header | NotAccepted]) -> list[int]:
    return [answer.first for answer in answers if isinstance(answer, Header)]


def test_ordinals_are_dense_in_each_queue(redis_url: str, ledger: Ledger):
    """Each queue numbers its deliveries by itself, without a gap, over batches and processes."""
    answers = accept(redis_url, [batch("a", size=3), batch("b", "sms_mo"), batch("c", size=2)])
    answers += accept(redis_url, [batch("d"), batch("e", "sms_mo")])
    assert firsts(answers) == [1, 1, 4, 6, 2]
    assert len({answer.life for answer in answers if isinstance(answer, Header)}) == 1
    figures = ledger.figures(["dlr", "sms_mo", "parked"])
    assert {queue: (one.pending, one.last_ordinal) for queue, one in figures.queues.items()} == {
        "dlr": (3, 6),
        "sms_mo": (2, 2),
        "parked": (0, 0),
    }


def test_a_batch_told_twice_counts_once(redis_url: str, ledger: Ledger):
    """A batch id that is there already is answered as it was the first time."""
    first = accept(redis_url, [batch("a", size=3)])
    assert accept(redis_url, [batch("a", size=3)]) == first
    assert firsts(accept(redis_url, [batch("b")])) == [4]
    assert ledger.figures(["dlr"]).queues["dlr"].pending == 2


def test_fetch_gives_what_was_accepted(redis_url: str, ledger: Ledger):
    """Envelopes come back as they were, numbered; what is not there is left out."""
    accept(redis_url, [NewBatch("a", "dlr", [b'{"id":"1"}', b'{"id":"2"}'], frozenset())])
    (found,) = ledger.fetch(["gone", "a"])
    assert isinstance(found, Batch)
    assert list(found.numbered()) == [(1, b'{"id":"1"}'), (2, b'{"id":"2"}')]
    assert found.header.queue == "dlr"


def test_settled_batches_leave_without_a_trace(redis_url: str, ledger: Ledger):
    """After settle a batch is in none of its places; settling again does nothing."""
    accept(redis_url, [batch("a"), batch("b")])
    assert ledger.settle("dlr", ["a", "unknown"]) == 1
    assert ledger.settle("dlr", ["a"]) == 0
    assert [one.id for one in ledger.fetch(["a", "b"])] == ["b"]
    assert (
        ledger.redis.zrange("seven:pending:dlr", 0, -1) == ledger.redis.zrange("seven:announced:dlr", 0, -1) == [b"b"]
    )
    ledger.settle("dlr", ["b"])
    assert sorted(ledger.redis.keys("*")) == [b"seven:last", b"seven:ledger", b"seven:ordinals", b"seven:tokens"]


def test_overdue_batches_are_taken_oldest_first_and_once(redis_url: str, ledger: Ledger):
    """What was not announced for long is taken in order, bounded, and then counts as announced."""
    for name in "abc":
        accept(redis_url, [batch(name)])
        accepted_at = ledger.redis.time()
        eventually(lambda before=accepted_at: ledger.redis.time() >= (before[0], before[1] + 1000), every_s=0.001)
    assert ledger.overdue("dlr", after_s=60, at_most=10, longest_queue=10) == []
    assert ledger.overdue("dlr", after_s=0, at_most=2, longest_queue=10) == ["a", "b"]
    assert ledger.overdue("dlr", after_s=0, at_most=1, longest_queue=10) == ["c"]
    assert ledger.overdue("dlr", after_s=30, at_most=10, longest_queue=10) == []


def test_a_long_queue_is_not_made_longer(redis_url: str, ledger: Ledger):
    """While announcements wait to be consumed no more are made, so an outage of hours multiplies nothing."""
    accept(redis_url, [batch("a")])
    ledger.redis.lpush("dlr", *range(11))
    assert ledger.overdue("dlr", after_s=0, at_most=10, longest_queue=10) == []
    ledger.redis.lpop("dlr")
    assert ledger.overdue("dlr", after_s=0, at_most=10, longest_queue=10) == ["a"]


def test_a_new_life_when_redis_begins_empty(redis_url: str, ledger: Ledger):
    """Ordinals start again only together with a new life, so old numbers and new are never confused."""
    (before,) = accept(redis_url, [batch("a", size=5)])
    ledger.redis.flushall()
    (after,) = accept(redis_url, [batch("b")])
    assert isinstance(before, Header)
    assert isinstance(after, Header)
    assert (after.first, after.life != before.life) == (1, True)


def test_accepted_means_on_disk(tmp_path: Path):
    """What was answered survives a kill -9 of Redis in the same moment, ordinals included."""
    with valkey(tmp_path) as server:
        (before,) = accept(server.url, [batch("a", size=3)])
        server.kill()
        server.start()
        ledger = Ledger(server.url)
        assert [one.id for one in ledger.fetch(["a"])] == ["a"]
        (after,) = accept(server.url, [batch("b")])
        assert isinstance(before, Header)
        assert isinstance(after, Header)
        assert (after.first, after.life) == (4, before.life)
        ledger.close()


def test_a_redis_that_hangs_is_not_waited_for(tmp_path: Path):
    """No answer within the deadline is no acceptance; nothing hangs, and afterwards all goes on."""
    with valkey(tmp_path) as server:
        accept(server.url, [batch("warm up")])
        server.send(signal.SIGSTOP)
        (answer,) = accept(server.url, [batch("a")], deadline_s=0.5)
        server.send(signal.SIGCONT)
        assert isinstance(answer, NotAccepted)
        assert len(firsts(accept(server.url, [batch("b")]))) == 1


def test_a_redis_that_comes_back_in_time_is_told_again(tmp_path: Path):
    """A connection that breaks is no reason to refuse, as long as the deadline holds; the batch counts once."""
    with valkey(tmp_path) as server:
        accept(server.url, [batch("a")])
        server.kill()
        starting = threading.Timer(0.5, server.start)
        starting.start()
        assert firsts(accept(server.url, [batch("b")], deadline_s=PATIENCE_S)) == [2]
        starting.join()  # it looks for an answer, too, and must not find the server killed


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        pytest.param(["--maxmemory", "1mb"], "OutOfMemory", id="full"),
        pytest.param(["--min-replicas-to-write", "1"], "NOREPLICAS", id="without its replicas"),
        pytest.param(["--replicaof", "127.0.0.1 1"], "ReadOnly", id="a replica"),
    ],
)
def test_a_redis_that_refuses_says_why(tmp_path: Path, options: list[str], cause: str):
    """Full, read-only or without its replicas: not accepted, with Redis' own word, and nothing half-written."""
    with valkey(tmp_path, *options) as server:
        (answer,) = accept(server.url, [batch("a", line=b"x" * 100)], deadline_s=5)
        assert isinstance(answer, NotAccepted)
        assert cause in str(answer)
        with server.client() as client:
            assert client.keys("*") == []


def test_a_full_redis_still_settles(tmp_path: Path):
    """Settling only deletes, so it gets through when nothing else does, and makes room again."""
    with valkey(tmp_path) as server:
        for n in range(40):
            assert firsts(accept(server.url, [batch(str(n), line=secrets.token_hex(100_000).encode())], 60)) == [n + 1]
        ledger = Ledger(server.url)
        ledger.redis.config_set("maxmemory", "2mb")
        assert isinstance(accept(server.url, [batch("no room")])[0], NotAccepted)
        with claimed(ledger, "7") as claim:  # a suspect batch too: consuming it is what makes room
            assert claim is not None
            assert claim.begin(7) == 0
            claim.survived(7)
            claim.ended(7)
        assert ledger.settle("dlr", [str(n) for n in range(40)]) == 40
        assert firsts(accept(server.url, [batch("room")])) == [41]
        ledger.close()


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b'{"v":1}\n{}', id="header without its fields"),
        pytest.param(b'{"v":1,"queue":"dlr","life":"l","first":1,"count":1,"accepted_ms":1}\n{}\n{}', id="too much"),
        pytest.param(b"\xff\xfe\n{}", id="binary"),
    ],
)
def test_what_is_no_batch_is_told_apart(redis_url: str, ledger: Ledger, stored: bytes):
    """Something that is not ours, or damaged, comes back whole, to be buried."""
    ledger.redis.hset("seven:batches", "odd", stored)
    (found,) = ledger.fetch(["odd"])
    assert isinstance(found, Unreadable)
    assert found.stored == stored


def test_a_newer_header_is_read():
    """A header of tomorrow, with more in it, is read today."""
    line = b'{"v":2,"queue":"dlr","life":"l","first":7,"count":1,"accepted_ms":1700000000000,"codec":"zstd"}'
    assert Header.parse(line).first == 7
    with pytest.raises(UnreadableBatch):
        Header.parse(b"[]")


def test_racing_receivers_share_the_numbers(shared_valkey: Valkey, redis_url: str):
    """Several receivers at once: every ordinal is given out once, none is left out."""

    async def one(name: int) -> list[int]:
        async with LedgerWriter(redis_url, PATIENCE_S) as acceptor:
            answers = [await acceptor.accept([batch(f"{name}-{n}", size=3)]) for n in range(50)]
        return [first for answer in answers for first in firsts(answer)]

    async def all_of_them() -> list[list[int]]:
        return await asyncio.gather(*map(one, range(6)))

    given = sorted(first for several in asyncio.run(all_of_them()) for first in several)
    assert given == list(range(1, 3 * 300, 3))

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
    return NewBatch(id=name, queue=queue, lines=[line] * size, evidence=frozenset({"f00d"}))


def accept(redis_url: str, batches: Sequence[NewBatch], deadline_s: float = PATIENCE_S) -> list[Header | NotAccepted]:
    async def run() -> list[Header | NotAccepted]:
        async with LedgerWriter(redis_url, deadline_s) as writer:
            return await writer.accept(batches)

    return asyncio.run(run())


def firsts(answers: Sequence[Header | NotAccepted]) -> list[int]:
    return [answer.first for answer in answers if isinstance(answer, Header)]


def test_ordinals_are_dense_in_each_queue(redis_url: str, ledger: Ledger):
    """Each queue numbers its deliveries without a gap, across batches and processes."""
    answers = accept(redis_url, [batch("a", size=3), batch("b", "sms_mo"), batch("c", size=2)])
    answers += accept(redis_url, [batch("d"), batch("e", "sms_mo")])
    assert firsts(answers) == [1, 1, 4, 6, 2]
    assert len({answer.life for answer in answers if isinstance(answer, Header)}) == 1
    figures = ledger.figures(["dlr", "sms_mo", "parked"])
    assert {queue: (state.pending, state.last_ordinal) for queue, state in figures.queues.items()} == {
        "dlr": (3, 6),
        "sms_mo": (2, 2),
        "parked": (0, 0),
    }


def test_a_batch_sent_twice_counts_once(redis_url: str, ledger: Ledger):
    """For an id that is there already the ledger returns the first answer again."""
    first = accept(redis_url, [batch("a", size=3)])
    assert accept(redis_url, [batch("a", size=3)]) == first
    assert firsts(accept(redis_url, [batch("b")])) == [4]
    assert ledger.figures(["dlr"]).queues["dlr"].pending == 2


def test_fetch_returns_accepted_batches(redis_url: str, ledger: Ledger):
    """Fetch returns envelopes unchanged, with their ordinals, and leaves out unknown ids."""
    accept(redis_url, [NewBatch("a", "dlr", [b'{"id":"1"}', b'{"id":"2"}'], frozenset())])
    (fetched,) = ledger.fetch(["gone", "a"])
    assert isinstance(fetched, Batch)
    assert list(fetched.numbered()) == [(1, b'{"id":"1"}'), (2, b'{"id":"2"}')]
    assert fetched.header.queue == "dlr"


def test_settled_batches_leave_without_a_trace(redis_url: str, ledger: Ledger):
    """A settled batch is under none of its keys; settling again does nothing."""
    accept(redis_url, [batch("a"), batch("b")])
    assert ledger.settle("dlr", ["a", "unknown"]) == 1
    assert ledger.settle("dlr", ["a"]) == 0
    assert [fetched.id for fetched in ledger.fetch(["a", "b"])] == ["b"]
    assert (
        ledger.redis.zrange("seven:pending:dlr", 0, -1) == ledger.redis.zrange("seven:announced:dlr", 0, -1) == [b"b"]
    )
    ledger.settle("dlr", ["b"])
    assert sorted(ledger.redis.keys("*")) == [b"seven:last", b"seven:ledger", b"seven:ordinals", b"seven:tokens"]


def test_overdue_batches_are_taken_oldest_first_and_once(redis_url: str, ledger: Ledger):
    """Batches not announced for long are taken in order, up to a limit, and then count as announced."""
    for name in "abc":
        accept(redis_url, [batch(name)])
        accepted_at = ledger.redis.time()
        eventually(lambda before=accepted_at: ledger.redis.time() >= (before[0], before[1] + 1000), every_s=0.001)
    assert ledger.overdue("dlr", after_s=60, at_most=10, longest_queue=10) == []
    assert ledger.overdue("dlr", after_s=0, at_most=2, longest_queue=10) == ["a", "b"]
    assert ledger.overdue("dlr", after_s=0, at_most=1, longest_queue=10) == ["c"]
    assert ledger.overdue("dlr", after_s=30, at_most=10, longest_queue=10) == []


def test_a_long_queue_is_not_made_longer(redis_url: str, ledger: Ledger):
    """While many announcements wait no more are made, so an outage of hours multiplies nothing."""
    accept(redis_url, [batch("a")])
    ledger.redis.lpush("dlr", *range(11))
    assert ledger.overdue("dlr", after_s=0, at_most=10, longest_queue=10) == []
    ledger.redis.lpop("dlr")
    assert ledger.overdue("dlr", after_s=0, at_most=10, longest_queue=10) == ["a"]


def test_a_new_life_when_redis_begins_empty(redis_url: str, ledger: Ledger):
    """Ordinals restart only together with a new life, so old and new ones are never confused."""
    (before,) = accept(redis_url, [batch("a", size=5)])
    ledger.redis.flushall()
    (after,) = accept(redis_url, [batch("b")])
    assert isinstance(before, Header)
    assert isinstance(after, Header)
    assert (after.first, after.life != before.life) == (1, True)


def test_accepted_means_on_disk(tmp_path: Path):
    """Accepted batches survive a kill -9 of Redis immediately afterwards, ordinals included."""
    with valkey(tmp_path) as server:
        (before,) = accept(server.url, [batch("a", size=3)])
        server.kill()
        server.start()
        ledger = Ledger(server.url)
        assert [fetched.id for fetched in ledger.fetch(["a"])] == ["a"]
        (after,) = accept(server.url, [batch("b")])
        assert isinstance(before, Header)
        assert isinstance(after, Header)
        assert (after.first, after.life) == (4, before.life)
        ledger.close()


def test_a_hanging_redis_is_bounded_by_the_deadline(tmp_path: Path):
    """Without an answer within the deadline nothing is accepted; afterwards the ledger accepts again."""
    with valkey(tmp_path) as server:
        accept(server.url, [batch("warm up")])
        server.send(signal.SIGSTOP)
        (answer,) = accept(server.url, [batch("a")], deadline_s=0.5)
        server.send(signal.SIGCONT)
        assert isinstance(answer, NotAccepted)
        assert len(firsts(accept(server.url, [batch("b")]))) == 1


def test_the_writer_resends_to_a_redis_that_returns_in_time(tmp_path: Path):
    """A broken connection within the deadline refuses no batch, and the batch counts once."""
    with valkey(tmp_path) as server:
        accept(server.url, [batch("a")])
        server.kill()
        starting = threading.Timer(0.5, server.start)
        starting.start()
        assert firsts(accept(server.url, [batch("b")], deadline_s=PATIENCE_S)) == [2]
        starting.join()  # it waits for an answer, too, so the server must still run


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        pytest.param(["--maxmemory", "500kb"], " OOM:", id="full"),
        pytest.param(["--min-replicas-to-write", "1"], "NOREPLICAS", id="without its replicas"),
        pytest.param(["--replicaof", "127.0.0.1 1"], " READONLY:", id="a replica"),
    ],
)
def test_a_redis_that_refuses_says_why(tmp_path: Path, options: list[str], cause: str):
    """Full, read-only or without its replicas: NotAccepted has the code of Redis' error, and nothing is half-written."""
    with valkey(tmp_path, *options) as server:
        (answer,) = accept(server.url, [batch("a", line=b"x" * 100)], deadline_s=5)
        assert isinstance(answer, NotAccepted)
        assert cause in str(answer)
        with server.client() as client:
            assert client.keys("*") == []


def test_a_full_redis_still_settles(tmp_path: Path):
    """Settling only deletes, so a full Redis allows it, and it frees memory."""
    with valkey(tmp_path) as server:
        for n in range(40):
            assert firsts(accept(server.url, [batch(str(n), line=secrets.token_hex(100_000).encode())], 60)) == [n + 1]
        ledger = Ledger(server.url)
        ledger.redis.config_set("maxmemory", "2mb")
        assert isinstance(accept(server.url, [batch("no room")])[0], NotAccepted)
        with claimed(ledger, "7") as claim:  # a suspect batch, too: consuming it frees memory
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
def test_bytes_that_are_no_batch_are_unreadable(redis_url: str, ledger: Ledger, stored: bytes):
    """Foreign or damaged bytes are returned whole, for a dead letter."""
    ledger.redis.hset("seven:batches", "odd", stored)
    (fetched,) = ledger.fetch(["odd"])
    assert isinstance(fetched, Unreadable)
    assert fetched.stored == stored


def test_a_newer_header_is_read():
    """A newer version's header with additional fields is readable."""
    line = b'{"v":2,"queue":"dlr","life":"l","first":7,"count":1,"accepted_ms":1700000000000,"codec":"zstd"}'
    assert Header.parse(line).first == 7
    with pytest.raises(UnreadableBatch):
        Header.parse(b"[]")


def test_racing_receivers_share_the_numbers(shared_valkey: Valkey, redis_url: str):
    """With several receivers at once, every ordinal is given out once and none is left out."""

    async def receive(name: int) -> list[int]:
        async with LedgerWriter(redis_url, PATIENCE_S) as writer:
            answers = [await writer.accept([batch(f"{name}-{n}", size=3)]) for n in range(50)]
        return [first for answer in answers for first in firsts(answer)]

    async def receive_all() -> list[list[int]]:
        return await asyncio.gather(*map(receive, range(6)))

    given = sorted(first for receiver in asyncio.run(receive_all()) for first in receiver)
    assert given == list(range(1, 3 * 300, 3))

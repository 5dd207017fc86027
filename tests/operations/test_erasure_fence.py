"""Erasure and stalled workers: what a worker took before an erasure is not written after it, in both databases."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from ledger.client import InFlight, Ledger
from operations.erasure import POLL_INTERVAL_S, Eraser
from operations.erasure_matches import Erasure
from seven.records import InboundMessage
from store.circuit_breaker import CircuitBreaker
from store.fence import Fenced, begin_generation, current
from store.row_writer import Store, StoreAway, merge_rows
from tests.factories.archive import rows
from tests.factories.envelopes import NOW
from tests.factories.traces import NUMBER, THEIRS, all_text, traces
from tests.operations.erasures import erased
from tests.servers import PATIENCE_S
from workers.consumer import Consumer


class StallingLedger(Ledger):
    """The ledger of a worker that stalls after it has taken batches, while `meanwhile` happens."""

    meanwhile: Any = None

    def take(self, *arguments: Any) -> InFlight:
        in_flight = super().take(*arguments)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return in_flight


@pytest.fixture
def stalling(redis_url: str, engine: Engine) -> Any:
    ledger = StallingLedger(redis_url)
    yield ledger, Consumer(ledger, Store(engine), CircuitBreaker(0.0))
    ledger.close()


@pytest.mark.parametrize("suspect", [False, True], ids=["together", "alone"])
def test_a_stalled_worker_does_not_undo_an_erasure(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, stalling: Any, suspect: bool
):
    """Another worker consumes its batch, an erasure blanks it: when the first one goes on, nothing comes back."""
    stalled_ledger, stalled = stalling
    batch = accept(*traces(THEIRS, "a")["sms_mo"], queue="sms_mo")
    if suspect:
        ledger.redis.hset("seven:in_hand", batch, "one two three")

    def meanwhile() -> None:
        consumer.consume("sms_mo", [batch])
        assert NUMBER.is_in(all_text(engine))
        assert erased(engine, ledger).left is None

    stalled_ledger.meanwhile = meanwhile
    stalled.consume("sms_mo", [batch])
    assert not NUMBER.is_in(all_text(engine))
    assert len([row for row in rows(engine).values() if isinstance(row, InboundMessage)]) == 3


def test_a_worker_goes_on_after_an_erasure(engine: Engine, ledger: Ledger, accept: Any, stalling: Any):
    """What was not settled meanwhile is taken again and written at once, and counts as no death."""
    stalled_ledger, stalled = stalling
    batch = accept(*traces("491512345679", "b")["sms_mo"], queue="sms_mo")
    stalled_ledger.meanwhile = lambda: erased(engine, ledger)
    stalled.consume("sms_mo", [batch])
    assert len([row for row in rows(engine).values() if isinstance(row, InboundMessage)]) == 3
    assert ledger.redis.hgetall("seven:in_hand") == {}
    assert ledger.existing([batch]) == []


@contextmanager
def open_transaction(engine: Engine) -> Iterator[threading.Event]:
    """A transaction of a worker, which has written a text of the person's, and ends once the event is set."""
    began, goes_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        merge_rows(connection, [InboundMessage("9", THEIRS, "4930123", "hello", NOW)])
        began.set()
        assert goes_on.wait(PATIENCE_S)

    worker = threading.Thread(target=Store(engine).transact, args=(slow,))
    worker.start()
    assert began.wait(PATIENCE_S)
    try:
        yield goes_on
    finally:
        goes_on.set()
        worker.join()


@pytest.mark.parametrize("killed", [False, True], ids=["the first", "after one that was killed"])
def test_an_open_transaction_is_waited_for(engine: Engine, ledger: Ledger, killed: bool):
    """An erasure blanks what a transaction commits that had begun before it, and before others that did not end."""
    waits, erasure = list[float](), Erasure()
    with open_transaction(engine) as goes_on:

        def wait(pause_s: float) -> None:
            waits.append(pause_s)
            goes_on.set()

        if engine.dialect.name == "sqlite":
            goes_on.set()  # a writer of SQLite waits by itself
        if killed:
            Store(engine).transact(begin_generation)
        Eraser(engine, ledger, NUMBER).erase(erasure, 0, wait)
    assert erasure.left is None
    assert erasure.blanked["inbound_messages"] == 1
    assert not NUMBER.is_in(all_text(engine))
    assert engine.dialect.name == "sqlite" or waits[0] == POLL_INTERVAL_S


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_transaction_that_does_not_end_is_a_failure(engine: Engine, ledger: Ledger):
    """What it writes would be missed, so the erasure does not claim to be done."""
    clock = iter(range(0, 10_000, 50))
    with open_transaction(engine), pytest.raises(StoreAway, match="does not end"):
        Eraser(engine, ledger, NUMBER).erase(Erasure(), 0, lambda _: None, lambda: next(clock))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_generation_that_ends_while_it_is_entered(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Nobody waits for a transaction that enters too late: it is refused."""
    store, read, begun = Store(engine).fenced(), current, list[int]()

    def begin_before(connection: Connection) -> int:
        if not begun:
            with engine.begin() as other:
                begun.append(begin_generation(other))
        return read(connection)

    monkeypatch.setattr("store.fence.current", begin_before)
    with pytest.raises(Fenced):
        store.write([InboundMessage("9", THEIRS, "4930123", "hello", NOW)])
    assert begun == [0]
    assert rows(engine) == {}


def test_generations(engine: Engine):
    """A store is refused by the next generation, and by no other; a plain one never is."""
    store, generations = Store(engine).fenced(), list[int]()
    store.write([InboundMessage("1", THEIRS, "4930123", "hello", NOW)])
    Store(engine).transact(lambda connection: generations.append(begin_generation(connection)))
    with pytest.raises(Fenced):
        store.write([InboundMessage("2", THEIRS, "4930123", "hello", NOW)])
    Store(engine).transact(lambda connection: generations.append(current(connection)))
    assert generations == [0, 1]
    store.fenced().write([InboundMessage("3", THEIRS, "4930123", "hello", NOW)])
    assert set(rows(engine)) == {("inbound_messages", (name,)) for name in "13"}

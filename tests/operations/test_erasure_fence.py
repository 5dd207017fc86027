"""Erasure and stalled workers: what a worker took before an erasure is not written after it, in both databases."""

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from ledger.client import InFlight, Ledger
from operations.erasure import POLL_INTERVAL_S, Eraser
from operations.erasure_matches import Erasure
from seven.records import InboundMessage
from store.circuit_breaker import CircuitBreaker
from store.fence import Fenced, begin_generation, current
from store.row_writer import Store, merge_rows
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


def test_an_open_transaction_is_waited_for(engine: Engine, ledger: Ledger):
    """An erasure blanks what a transaction commits that had begun before it."""
    began, goes_on, erasure = threading.Event(), threading.Event(), Erasure()

    def slow(connection: Connection) -> None:
        merge_rows(connection, [InboundMessage("9", THEIRS, "4930123", "hello", NOW)])
        began.set()
        assert goes_on.wait(PATIENCE_S)

    def wait(pause_s: float) -> None:
        waits.append(pause_s)
        goes_on.set()

    waits: list[float] = []
    worker = threading.Thread(target=Store(engine).transact, args=(slow,))
    worker.start()
    assert began.wait(PATIENCE_S)
    if engine.dialect.name == "sqlite":
        goes_on.set()  # a writer of SQLite waits by itself
    Eraser(engine, ledger, NUMBER).erase(erasure, 0, wait)
    worker.join()
    assert erasure.left is None
    assert erasure.blanked["inbound_messages"] == 1
    assert not NUMBER.is_in(all_text(engine))
    assert engine.dialect.name == "sqlite" or waits[0] == POLL_INTERVAL_S


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

"""Portions: a batch that the database refuses for now waits alone; the others of its announcement are written."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text, update

from ledger.client import Ledger
from seven.events import QUEUES
from store import transactions
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Hindered, Store
from store.schema import messages
from tests.factories.envelopes import Accept, envelope
from tests.workers.dying_workers import outcomes
from workers.consumer import Consumer
from workers.portions import MOST_WAITS, Portions

on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Transactions wait for a lock for less than a second."""
    monkeypatch.setitem(transactions.BOUNDS_MS, "lock_timeout", 300)
    transactions._statement.cache_clear()
    yield
    transactions._statement.cache_clear()


@contextmanager
def locked(engine: Engine, msg_id: str) -> Iterator[None]:
    """As somebody who has begun to change a row by hand, and gone for lunch."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("SELECT 1"))
        connection.execute(update(messages).where(messages.c.msg_id == msg_id).values(foreign_id="mine"))
        yield
        transaction.rollback()


@on_postgresql
@pytest.mark.usefixtures("impatient")
def test_a_locked_row_holds_up_its_own_batch_alone(ledger: Ledger, engine: Engine, accept: Accept):
    """Whatever stands beside it in an announcement is written; it is written once the row is free."""
    breaker, store = CircuitBreaker(), Store(engine)
    consumer = Consumer(ledger, store, breaker)
    consumer.consume("dlr", [accept(envelope("before", msg_id="locked", status="ACCEPTED"))])
    batches = [accept(envelope(f"d{n}", msg_id="locked" if n == 0 else str(n), status="DELIVERED")) for n in range(6)]
    with locked(engine, "locked"):
        consumer.consume("dlr", batches)
        assert set(outcomes(engine)) == {"before", *(f"d{n}" for n in range(1, 6))}
        assert ledger.figures(QUEUES).queues["dlr"].pending == 1
        assert breaker.hold is None
    consumer.consume("dlr", batches)
    assert ledger.figures(QUEUES).queues["dlr"].pending == 0
    assert "d0" in outcomes(engine)


@on_postgresql
def test_a_table_that_takes_nothing_is_an_outage(ledger: Ledger, engine: Engine, accept: Accept):
    """Not every batch is tried: each might wait for seconds. The breaker opens, and the sweep announces them again."""
    tried = []

    class Locked(Store):
        def write(self, records: object) -> None:
            tried.append(records)
            raise Hindered("another session holds a lock")

    breaker = CircuitBreaker()
    consumer = Consumer(ledger, Locked(engine), breaker)
    consumer.consume("dlr", [accept(envelope(f"d{number}")) for number in range(9)])
    assert len(tried) == MOST_WAITS + 1
    assert breaker.hold is not None
    assert ledger.figures(QUEUES).queues["dlr"].pending == 9


def test_a_single_batch_that_waits_is_an_outage(ledger: Ledger, accept: Accept):
    """Nothing shows that the database would take another one."""
    taken = ledger.take("dlr", [accept(envelope("d"))]).taken
    portions = Portions(taken, 1024)

    def work(_: object) -> None:
        raise Hindered("another session holds a lock")

    with pytest.raises(Hindered):
        portions.write(work)

"""Scheduled counts of the delivery rate: one result for all workers, exported only while it says how things are now."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from ledger import keyspace
from ledger.client import Ledger
from operations.delivery_rate_schedule import DeliveryRateMetrics, count_on_schedule
from seven.records import Message
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.row_writer import Store
from tests.servers import free_port

DECIDED, RATE, USUAL = "seven_delivery_rate_decided", "seven_delivery_rate", "seven_delivery_rate_usual"


def fill(engine: Engine, week: int, delivered: int, failed: int) -> None:
    """Messages of the same hour, so many weeks ago."""
    at = datetime.now(UTC) - timedelta(hours=16, weeks=week)
    results = [("DELIVERED", "delivered")] * delivered + [("EXPIRED", "failed")] * failed
    Store(engine).write(
        Message(msg_id=f"{week}-{n}", status=status, result=result, status_at=at, first_seen_at=at)
        for n, (status, result) in enumerate(results)
    )


def exported(ledger: Ledger) -> dict[str, float]:
    return {sample.name: sample.value for metric in DeliveryRateMetrics(ledger).collect() for sample in metric.samples}


def make_older(ledger: Ledger, hours: float) -> None:
    stored = json.loads(ledger.redis.get(keyspace.DELIVERY_RATE) or b"")
    ledger.redis.set(keyspace.DELIVERY_RATE, json.dumps(stored | {"at_ms": stored["at_ms"] - hours * 3_600_000}))


def statements(engine: Engine) -> list[str]:
    """What the engine executes on messages from now on."""
    executed: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(*call: Any) -> None:
        if "messages" in call[2]:
            executed.append(call[2])

    return executed


def test_the_counts_are_exported(ledger: Ledger, engine: Engine):
    """The rate needs a decided message, the usual one a week with enough of them."""
    assert exported(ledger) == {}
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert exported(ledger) == {DECIDED: 0}
    for week, delivered in enumerate((160, 180, 190)):
        fill(engine, week, delivered, 200 - delivered)
    make_older(ledger, 1)
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert exported(ledger) == {DECIDED: 200, RATE: 0.8, USUAL: pytest.approx(0.925)}


def test_workers_that_start_together_count_once(ledger: Ledger, engine: Engine):
    """Not while another one counts, nor within half the interval, nor while the database is held."""
    executed, held = statements(engine), CircuitBreaker()
    held.failed("OperationalError 57P03")
    count_on_schedule(ledger, engine, held)
    ledger.redis.set(keyspace.DELIVERY_RATE_LOCK, "another's")
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert not executed
    ledger.redis.delete(keyspace.DELIVERY_RATE_LOCK)
    for _ in range(2):
        count_on_schedule(ledger, engine, CircuitBreaker())
    assert len(executed) == 5
    make_older(ledger, 0.6)
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert len(executed) == 10


def test_overdue_counts_are_not_exported(ledger: Ledger, engine: Engine):
    """Nor those of the future, by a clock that has been set back, which the next count replaces."""
    count_on_schedule(ledger, engine, CircuitBreaker())
    make_older(ledger, 2.9)
    assert exported(ledger)
    make_older(ledger, 0.2)
    assert exported(ledger) == {}
    make_older(ledger, -5)
    assert exported(ledger) == {}
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert exported(ledger) == {DECIDED: 0}


def test_unreadable_counts_are_none(ledger: Ledger, engine: Engine):
    """What another version wrote is counted anew; while Redis is away nothing is exported."""
    for other in (b"{", b"[]", b'{"days": [[1]]}', b'{"days": [], "at_ms": 1}', b'{"days": [[1, 2, 3]]}'):
        ledger.redis.set(keyspace.DELIVERY_RATE, other)
        assert exported(ledger) == {}
    count_on_schedule(ledger, engine, CircuitBreaker())
    assert exported(ledger) == {DECIDED: 0}
    assert exported(Ledger(f"redis://127.0.0.1:{free_port()}/0")) == {}


def test_a_database_that_is_away_is_logged(ledger: Ledger, caplog: pytest.LogCaptureFixture):
    """The task ends without a traceback, and earlier counts stay until they are overdue."""
    engine = create_store_engine("postgresql://u:hidden-word@127.0.0.1:1/x")
    count_on_schedule(ledger, engine, CircuitBreaker())
    engine.dispose()
    assert exported(ledger) == {}
    (line,) = [record.getMessage() for record in caplog.records if record.name == "seven.workers"]
    assert "delivery rate not counted" in line
    assert "hidden-word" not in line

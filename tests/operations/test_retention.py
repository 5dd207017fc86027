"""Retention: passes, consecutive or overlapping, touch nothing younger than the settings; their limits and metrics."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError
from sqlalchemy import Engine, event, func, select

from ledger import keyspace
from ledger.client import Ledger
from operations.retention import PENDING_FOR, Retention, RetentionResult
from operations.retention_metrics import RetentionMetrics
from runtime.settings.retention import LEAST_DAYS, RetentionSettings
from seven.records import InboundMessage, Message, MessageStatus
from store import purge_step
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store
from store.schema import deliveries, tallies
from tests.extent import examples
from tests.factories.aged_rows import DAY, DAY_SETTINGS, NOW, keep_days, retain, row, rows_of, tallied_ranges
from tests.factories.archive import delivery_id, put
from tests.factories.envelopes import Accept, envelope
from tests.factories.rows import empty

AGES = st.sampled_from([timedelta(hours=1), 7 * DAY, 29 * DAY, 31 * DAY, 100 * DAY, 400 * DAY])


@examples(12, 40)
@given(
    ages=st.lists(st.tuples(AGES, st.sampled_from(["applied", "parked", "dead", "discarded"])), max_size=12),
    days=st.fixed_dictionaries(
        {name: st.sampled_from([0, 7, 30, 90]) for name in ("payloads", "unapplied", "deliveries", "histories")}
    ),
)
def test_younger_rows_are_not_touched(
    ledger: Ledger, engine: Engine, ages: list[tuple[timedelta, str]], days: dict[str, int]
):
    """Under any settings younger rows stay unchanged, and every ordinal is either a row or tallied, never both."""
    empty(engine)
    with engine.begin() as connection:
        connection.execute(tallies.delete())
    archived = [row(number, age, outcome) for number, (age, outcome) in enumerate(ages, 1)]
    history = [MessageStatus(str(n), "X", NOW - age) for n, (age, _) in enumerate(ages)]
    Store(engine).write([*archived, *history])
    retain(ledger, engine, keep_days(**days))
    left = {delivery.ordinal: delivery for delivery in rows_of(engine, "deliveries").values()}
    least = min((days[name] for name in ("payloads", "unapplied", "deliveries") if days[name]), default=10_000)
    for delivery in archived:
        if delivery.received_at and NOW - delivery.received_at < least * DAY:
            assert left[delivery.ordinal] == delivery
    for status in history:
        kept = not days["histories"] or NOW - status.at < days["histories"] * DAY
        assert ((status.msg_id, status.status, status.at) in rows_of(engine, "message_statuses")) == kept
    gone = {ordinal for first, last in tallied_ranges(engine) for ordinal in range(first, last + 1)}
    assert gone | left.keys() == {delivery.ordinal for delivery in archived}
    assert not gone & left.keys()


def test_overlapping_passes_do_no_harm(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Overlapping passes beside a writing worker remove each row once and tally every ordinal."""
    monkeypatch.setattr(purge_step, "ROWS_AT_ONCE", 7)
    Store(engine).write(row(number, (400 + number % 50) * DAY) for number in range(1, 201))
    results: list[RetentionResult] = []
    passes = [
        threading.Thread(target=lambda: results.append(retain(ledger, engine, keep_days(deliveries=365))))
        for _ in range(3)
    ]
    for thread in passes:
        thread.start()
    for number in range(201, 211):
        Store(engine).write([row(number, DAY)])
    for thread in passes:
        thread.join()
    retain(ledger, engine, keep_days(deliveries=365))
    assert sum(result.removed["deliveries"] for result in results) <= 200
    assert tallied_ranges(engine) == [(1, 200)]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one() == 10


def test_rows_received_shortly_before_a_pending_batch_stay(ledger: Ledger, engine: Engine, accept: Accept):
    """They may be of that batch: its deliveries were received up to an hour before, by whichever clock."""
    batch = accept(envelope(delivery_id(NOW, 1)))
    ledger.redis.zadd("seven:pending:dlr", {batch: int((NOW - 500 * DAY).timestamp() * 1000)})
    Store(engine).write([row(1, 502 * DAY), row(2, 500 * DAY + PENDING_FOR / 2)])
    retain(ledger, engine, keep_days(deliveries=365))
    assert {delivery.ordinal for delivery in rows_of(engine, "deliveries").values()} == {2}


def test_a_pass_that_loses_its_lease_ends(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """It removes nothing more, since another pass may have begun, and leaves that one's lease alone."""
    monkeypatch.setattr(purge_step, "ROWS_AT_ONCE", 10)
    Store(engine).write(row(number, 400 * DAY) for number in range(1, 31))
    keep, name = keep_days(deliveries=365), keyspace.RETENTION_LOCK

    def steal(_: float) -> None:
        ledger.redis.set(name, "another's")

    Retention(ledger, engine, CircuitBreaker(), keep, pause=steal).run()
    assert (len(rows_of(engine, "deliveries")), ledger.redis.get(name)) == (20, b"another's")
    Retention(ledger, engine, CircuitBreaker(), keep).run()
    assert len(rows_of(engine, "deliveries")) == 20


def test_a_pass_ends_on_time(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """A pass that runs out of time leaves the rest to the next, and none begins while the circuit breaker holds."""
    monkeypatch.setattr(purge_step, "ROWS_AT_ONCE", 10)
    Store(engine).write(row(number, 400 * DAY) for number in range(1, 31))
    days = keep_days(deliveries=365)
    breaker = CircuitBreaker()
    result = Retention(ledger, engine, breaker, days, pause=lambda _: breaker.failed("away")).retain()
    assert (result.removed["deliveries"], result.done) == (10, False)
    Retention(ledger, engine, breaker, days).run()
    assert len(rows_of(engine, "deliveries")) == 20
    assert Retention(ledger, engine, CircuitBreaker(), days, longest_s=-1).retain() == RetentionResult(
        done=False, more=True
    )
    requested: list[str] = []
    Retention(ledger, engine, breaker, days, longest_s=-1).run(lambda: requested.append("held"))
    Retention(ledger, engine, CircuitBreaker(), days, longest_s=-1).run(lambda: requested.append("at once"))
    Retention(ledger, engine, CircuitBreaker(), days).run(lambda: requested.append("done"))
    assert requested == ["at once"]
    assert tallied_ranges(engine) == [(1, 30)]


def test_the_figures_are_exported_as_metrics(ledger: Ledger, engine: Engine):
    """The metrics sum up all passes, and are the same from every worker."""
    metrics = CollectorRegistry()
    metrics.register(RetentionMetrics(ledger.redis))
    assert generate_latest(metrics) == b""
    for number in (1, 2):
        Store(engine).write([row(number, 400 * DAY), row(number + 10, 100 * DAY)])
        Retention(ledger, engine, CircuitBreaker(), keep_days(payloads=90, deliveries=365), pause=lambda _: None).run()
    exported = generate_latest(metrics).decode()
    assert 'seven_retention_removed_total{table="deliveries"} 2.0' in exported
    assert 'seven_retention_blanked_total{table="deliveries"} 2.0' in exported
    assert "seven_retention_last_timestamp_seconds " in exported


def test_old_rows_are_selected_by_an_index(ledger: Ledger, engine: Engine):
    """No statement of a pass scans a whole table, except the few tallies."""
    Store(engine).write([row(1, 400 * DAY), InboundMessage("1", text="x", sent_at=NOW - 400 * DAY)])
    put(engine, Message("7"), changed_at=NOW - 400 * DAY)
    statements: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append((arguments[2], arguments[3])))
    retain(ledger, engine, RetentionSettings(**dict.fromkeys(DAY_SETTINGS, 30)))  # type: ignore[arg-type]
    plans = []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        for statement, parameters in [*statements]:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                plan = connection.exec_driver_sql(explain + statement, parameters)
                plans.append((statement, "\n".join(str(step[-1]) for step in plan)))
    assert len(plans) > 15
    assert not [statement for statement, plan in plans if re.search(r"Seq Scan|SCAN \w+$", plan, re.MULTILINE)]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        pytest.param({"calls": LEAST_DAYS - 1}, "7 days and more", id="sooner than the gateway's retries"),
        pytest.param({"texts": 30, "payloads": 90}, "SEVEN_KEEP_PAYLOADS_DAYS", id="payloads that outlive texts"),
        pytest.param({"texts": 30}, "SEVEN_KEEP_PAYLOADS_DAYS", id="payloads for ever"),
        pytest.param({"links": -1}, "greater than or equal", id="negative"),
    ],
)
def test_contradictory_limits_are_refused(days: dict[str, int], reason: str):
    """The error at startup names the setting."""
    with pytest.raises(ValidationError, match=reason) as failure:
        keep_days(**days)
    assert {str(error["loc"][0]) for error in failure.value.errors()} == {f"seven_keep_{next(iter(days))}_days"}

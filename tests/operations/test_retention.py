"""Retention: passes, one after the other or at once, touch nothing younger; their bounds, their figures."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError
from sqlalchemy import Engine, event, func, select

from ledger.client import Ledger
from operations.retention import Retention, RetentionResult, retain_on_schedule
from operations.retention_metrics import RetentionMetrics
from operations.retention_settings import LEAST_DAYS, RetentionSettings
from seven.records import (
    InboundMessage,
    Message,
    MessageStatus,
)
from store import purge
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store
from store.schema import deliveries, tallies
from tests.factories.aged_rows import ALL_OF_IT, DAY, NOW, keeping, of, retained, row, tallied
from tests.factories.archive import put
from tests.factories.rows import empty

AGES = st.sampled_from([timedelta(hours=1), 7 * DAY, 29 * DAY, 31 * DAY, 100 * DAY, 400 * DAY])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    ages=st.lists(st.tuples(AGES, st.sampled_from(["applied", "parked", "dead", "discarded"])), max_size=12),
    days=st.fixed_dictionaries(
        {name: st.sampled_from([0, 7, 30, 90]) for name in ("payloads", "unapplied", "deliveries", "histories")}
    ),
)
def test_nothing_younger_is_touched(
    ledger: Ledger, engine: Engine, ages: list[tuple[timedelta, str]], days: dict[str, int]
):
    """Whatever is set, a row that is younger is as it was; ordinals are rows or tallied, none both, none neither."""
    empty(engine)
    with engine.begin() as connection:
        connection.execute(tallies.delete())
    told = [row(number, age, outcome) for number, (age, outcome) in enumerate(ages, 1)]
    history = [MessageStatus(str(n), "X", NOW - age) for n, (age, _) in enumerate(ages)]
    Store(engine).write([*told, *history])
    retained(ledger, engine, keeping(**days))
    left = {one.ordinal: one for one in of(engine, "deliveries").values()}
    least = min((days[name] for name in ("payloads", "unapplied", "deliveries") if days[name]), default=10_000)
    for one in told:
        if one.received_at and NOW - one.received_at < least * DAY:
            assert left[one.ordinal] == one
    for one in history:
        kept = not days["histories"] or NOW - one.at < days["histories"] * DAY
        assert ((one.msg_id, one.status, one.at) in of(engine, "message_statuses")) == kept
    gone = {ordinal for first, last in tallied(engine) for ordinal in range(first, last + 1)}
    assert gone | left.keys() == {one.ordinal for one in told}
    assert not gone & left.keys()


def test_two_at_once_do_no_harm(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Passes beside each other, and beside a worker that writes, remove each row once and tally every ordinal."""
    monkeypatch.setattr(purge, "ROWS_AT_ONCE", 7)
    Store(engine).write(row(number, (400 + number % 50) * DAY) for number in range(1, 201))
    removed: list[RetentionResult] = []
    passes = [
        threading.Thread(target=lambda: removed.append(retained(ledger, engine, keeping(deliveries=365))))
        for _ in range(3)
    ]
    for one in passes:
        one.start()
    for number in range(201, 211):
        Store(engine).write([row(number, DAY)])
    for one in passes:
        one.join()
    retained(ledger, engine, keeping(deliveries=365))
    assert sum(one.removed["deliveries"] for one in removed) <= 200
    assert tallied(engine) == [(1, 200)]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one() == 10


def test_a_pass_ends_in_time(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """A pass that has had its time leaves the rest to the next, and none begins while the database is held."""
    monkeypatch.setattr(purge, "ROWS_AT_ONCE", 10)
    Store(engine).write(row(number, 400 * DAY) for number in range(1, 31))
    told = keeping(deliveries=365)
    breaker = CircuitBreaker()
    found = Retention(ledger, engine, breaker, told, pause=lambda _: breaker.failed("away")).retain()
    assert (found.removed["deliveries"], found.done) == (10, False)
    assert not Retention(ledger, engine, breaker, told).run()
    assert len(of(engine, "deliveries")) == 20
    assert Retention(ledger, engine, CircuitBreaker(), told, longest_s=-1).retain() == RetentionResult(
        done=False, more=True
    )
    again: list[str] = []
    retain_on_schedule(Retention(ledger, engine, breaker, told, longest_s=-1), lambda: again.append("held"), threads=4)
    retain_on_schedule(
        Retention(ledger, engine, CircuitBreaker(), told, longest_s=-1), lambda: again.append("at once"), threads=4
    )
    retain_on_schedule(
        Retention(ledger, engine, CircuitBreaker(), told, longest_s=-1), lambda: again.append("one"), threads=1
    )
    assert again == ["at once"]
    assert retained(ledger, engine, told).done
    assert tallied(engine) == [(1, 30)]


def test_the_figures_are_metrics(ledger: Ledger, engine: Engine):
    """What passes did adds up over them, and is told by whichever worker is asked."""
    metrics = CollectorRegistry()
    metrics.register(RetentionMetrics(ledger.redis))
    assert generate_latest(metrics) == b""
    for number in (1, 2):
        Store(engine).write([row(number, 400 * DAY), row(number + 10, 100 * DAY)])
        Retention(ledger, engine, CircuitBreaker(), keeping(payloads=90, deliveries=365), pause=lambda _: None).run()
    told = generate_latest(metrics).decode()
    assert 'seven_retention_removed_total{table="deliveries"} 2.0' in told
    assert 'seven_retention_blanked_total{table="deliveries"} 2.0' in told
    assert "seven_retention_last_timestamp_seconds " in told


def test_what_is_old_is_found_by_an_index(ledger: Ledger, engine: Engine):
    """No statement of a pass reads a table from its beginning to its end, but for the few tallies."""
    Store(engine).write([row(1, 400 * DAY), InboundMessage("1", text="x", sent_at=NOW - 400 * DAY)])
    put(engine, Message("7"), changed_at=NOW - 400 * DAY)
    said: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: said.append((told[2], told[3])))
    retained(ledger, engine, RetentionSettings(**dict.fromkeys(ALL_OF_IT, 30)))  # type: ignore[arg-type]
    plans = []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        for statement, parameters in [*said]:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                plan = connection.exec_driver_sql(explain + statement, parameters)
                plans.append((statement, "\n".join(str(one[-1]) for one in plan)))
    assert len(plans) > 15
    assert not [one for one in plans if re.search(r"Seq Scan|SCAN \w+$", one[1], re.MULTILINE)]


@pytest.mark.parametrize(
    ("days", "word"),
    [
        pytest.param({"calls": LEAST_DAYS - 1}, "7 days and more", id="sooner than the gateway's retries"),
        pytest.param({"texts": 30, "payloads": 90}, "SEVEN_KEEP_PAYLOADS_DAYS", id="payloads that outlive texts"),
        pytest.param({"texts": 30}, "SEVEN_KEEP_PAYLOADS_DAYS", id="payloads for ever"),
        pytest.param({"links": -1}, "greater than or equal", id="negative"),
    ],
)
def test_bounds_that_contradict_are_refused(days: dict[str, int], word: str):
    """What cannot hold is said at the start, by the name of the setting."""
    with pytest.raises(ValidationError, match=word) as told:
        keeping(**days)
    assert {str(one["loc"][0]) for one in told.value.errors()} == {f"seven_keep_{next(iter(days))}_days"}

"""Clock skew: each decision with Redis' clock, the database's or the worker's own set ahead or back."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from cli.output.audit import print_audit
from ledger import keyspace, stats
from ledger.client import Ledger
from operations.audit import Auditor
from operations.retention import Retention
from operations.retention_metrics import RetentionMetrics
from seven.events import QUEUES
from seven.timestamps import TOO_FAR_AHEAD
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store
from tests.clocks import Clock
from tests.factories.aged_rows import keep_days, retain, row, rows_of
from tests.factories.archive import rebuilt
from tests.factories.envelopes import Accept, envelope
from tests.workers.skewed_servers import *  # noqa: F403 - fixtures in place of the suite's
from tests.workers.skewed_servers import DAY, FAR_S, HOUR_S
from workers.consumer import Consumer
from workers.metrics import LedgerMetrics
from workers.sweep import Sweep


def run_retention(ledger: Ledger, engine: Engine) -> str:
    """The retention metrics after a pass with a limit of 30 days."""
    Retention(ledger, engine, CircuitBreaker(), keep_days(payloads=30, deliveries=30), pause=lambda _: None).run()
    registry = CollectorRegistry()
    registry.register(RetentionMetrics(ledger.redis))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("whose", ["Redis", "the database", "the worker"])
@pytest.mark.parametrize("ahead_s", [FAR_S, -FAR_S, 600.0, -600.0])
def test_retention_trusts_no_single_clock(
    ledger: Ledger, engine: Engine, dialect: str, request: pytest.FixtureRequest, redis_clock: Clock,
    whose: str, ahead_s: float,
):  # fmt: skip
    """While one of three clocks is wrong, retention removes nothing and reports why; afterwards it continues."""
    if whose == "the database" and dialect == "sqlite":
        pytest.skip("SQLite has no clock of its own")
    Store(engine).write([row(1, timedelta(minutes=1)), row(2, 20 * DAY), row(3, 400 * DAY)])
    if whose == "the worker":
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead_s), tick=True):
            metrics = run_retention(ledger, engine)
    else:
        clock = redis_clock if whose == "Redis" else request.getfixturevalue("database_clock")
        clock.set(ahead_s)
        metrics = run_retention(ledger, engine)
        assert ("ahead of" in (stats.ledger_stats(ledger, QUEUES).retention_refused or "")) or whose == "Redis"
        clock.set(0)
    assert "seven_retention_refused 1.0" in metrics
    assert "seven_retention_last_timestamp_seconds" not in metrics
    assert {delivery.ordinal for delivery in rows_of(engine, "deliveries").values()} == {1, 2, 3}
    assert all(delivery.payload for delivery in rows_of(engine, "deliveries").values())
    metrics = run_retention(ledger, engine)
    assert "seven_retention_refused 0.0" in metrics
    assert "seven_retention_last_timestamp_seconds" in metrics
    assert {delivery.ordinal for delivery in rows_of(engine, "deliveries").values()} == {1, 2}
    assert stats.ledger_stats(ledger, QUEUES).retention_refused is None


def test_retention_detects_a_leap_of_all_clocks(
    ledger: Ledger, engine: Engine, dialect: str, request: pytest.FixtureRequest, redis_clock: Clock
):
    """While all clocks of a machine are years ahead, retention removes nothing and reports why."""
    Store(engine).write([row(1, timedelta(minutes=1)), row(2, 20 * DAY)])
    before = rows_of(engine, "deliveries")
    assert "seven_retention_refused 0.0" in run_retention(ledger, engine)
    clocks = [redis_clock, *([request.getfixturevalue("database_clock")] if dialect == "postgresql" else [])]
    for clock in clocks:
        clock.set(FAR_S)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=FAR_S), tick=True):
        scrapes = [run_retention(ledger, engine) for _ in range(2)]
        reason = stats.ledger_stats(ledger, QUEUES).retention_refused or ""
    assert all("seven_retention_refused 1.0" in metrics for metrics in scrapes)
    advanced = "(1200 d|1199 d 23 h)"  # the clocks are read a moment before the uptime
    assert re.match(f"all clocks have advanced {advanced} more than this machine's uptime since the last pass", reason)
    for clock in clocks:
        clock.set(0)
    assert rows_of(engine, "deliveries") == before
    assert "seven_retention_refused 0.0" in run_retention(ledger, engine)
    assert rows_of(engine, "deliveries") == before


@pytest.fixture
def sweep(ledger: Ledger) -> Sweep:
    return Sweep(ledger, lambda *_: None, overdue_s=30, at_most=100)


@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, FAR_S])
def test_batches_accepted_in_the_future_are_overdue(
    ledger: Ledger, accept: Accept, sweep: Sweep, redis_clock: Clock, ahead_s: float
):
    """A batch accepted while Redis' clock was ahead is announced once the clock is right; its age is negative."""
    redis_clock.set(ahead_s)
    batch = accept(envelope("1"))
    assert sweep.run() == 0
    redis_clock.set(0)
    figures = ledger.figures(QUEUES)
    (latest_at,) = filter(None, (queue.latest_at for queue in figures.queues.values()))
    assert abs((latest_at - figures.now).total_seconds() - ahead_s) < 300
    registry = CollectorRegistry()
    registry.register(LedgerMetrics(ledger))
    age_s = registry.get_sample_value("seven_ledger_oldest_pending_seconds", {"queue": "dlr"})
    assert age_s is not None
    assert age_s < -ahead_s + 300
    assert sweep.run() == 1
    assert sweep.run() == 0  # it is marked as announced now, by the right clock
    assert ledger.redis.zscore(keyspace.announced("dlr"), batch) <= ledger.redis.time()[0] * 1000 + 1000


def test_overdue_batches_of_two_clocks_are_bounded(ledger: Ledger, accept: Accept, redis_clock: Clock):
    """Batches from the past come before those from the future, within one limit, and each once."""
    redis_clock.set(HOUR_S)
    future = [accept(envelope(f"f{number}")) for number in range(3)]
    redis_clock.set(-HOUR_S)
    past = [accept(envelope(f"p{number}")) for number in range(3)]
    redis_clock.set(0)
    assert ledger.overdue("dlr", 30, 2, 10) == past[:2]
    assert ledger.overdue("dlr", 30, 2, 10) == [past[2], future[0]]
    assert ledger.overdue("dlr", 30, 9, 10) == future[1:]
    assert ledger.overdue("dlr", 30, 9, 10) == []


def test_batches_accepted_in_the_past_are_announced_early(
    ledger: Ledger, accept: Accept, sweep: Sweep, redis_clock: Clock
):
    """A batch accepted while Redis' clock was behind looks older and is announced early, which is harmless."""
    redis_clock.set(-HOUR_S)
    accept(envelope("1"))
    assert sweep.run() == 0
    redis_clock.set(0)
    assert (sweep.run(), sweep.run()) == (1, 0)


def test_retention_waits_for_batches_accepted_in_the_future(
    ledger: Ledger, engine: Engine, accept: Accept, redis_clock: Clock
):
    """The age of such a batch is unknown, so no delivery is removed until it is settled; payloads are still blanked."""
    Store(engine).write([row(1, 400 * DAY)])
    redis_clock.set(2 * HOUR_S)
    batch = accept(envelope("1"))
    redis_clock.set(0)
    result = retain(ledger, engine, keep_days(deliveries=30, payloads=30))
    assert (result.removed["deliveries"], result.blanked["deliveries"]) == (0, 1)
    ledger.settle("dlr", [batch])
    assert retain(ledger, engine, keep_days(deliveries=30)).removed["deliveries"] == 1


def consume_pending(ledger: Ledger, consumer: Consumer, batch: str) -> None:
    assert ledger.figures(QUEUES).queues["dlr"].pending == 1
    consumer.consume("dlr", [batch])


@pytest.mark.parametrize(
    ("receiver", "redis", "outcome"),
    [
        pytest.param(-3 * DAY, timedelta(), "applied", id="a receiver behind"),
        pytest.param(timedelta(), -3 * DAY, "applied", id="Redis behind"),
        pytest.param(3 * DAY, timedelta(), "applied", id="a receiver ahead"),
        pytest.param(timedelta(), 3 * DAY, "applied", id="Redis ahead"),
        pytest.param(3 * DAY, -3 * DAY, "applied", id="Redis ahead at the receipt, then behind"),
        pytest.param(-3 * DAY, 3 * DAY, "applied", id="a receiver behind, Redis ahead"),
        pytest.param(-3 * DAY, -3 * DAY, "remarked", id="both behind"),
    ],
)
def test_an_event_time_is_compared_with_the_latest_clock(
    ledger: Ledger, consumer: Consumer, engine: Engine, accept: Accept, redis_clock: Clock,
    receiver: timedelta, redis: timedelta, outcome: str,
):  # fmt: skip
    """An event of now keeps its time unless both clocks are behind: then it has its time of receipt."""
    now = datetime.now(UTC)
    redis_clock.set(redis.total_seconds())
    sent = replace(envelope("d", timestamp=now.isoformat()), received_at=now + receiver)
    consume_pending(ledger, consumer, accept(sent))
    (delivery,) = rows_of(engine, "deliveries").values()
    event_at = now if outcome == "applied" else sent.received_at
    assert (delivery.outcome, delivery.event_at and abs(delivery.event_at - event_at) < timedelta(seconds=1)) == (
        "applied",
        True,
    )
    assert (delivery.remark is None) == (outcome == "applied")


@pytest.mark.parametrize("ahead", [-3 * DAY, timedelta(), 3 * DAY], ids=["behind", "right", "ahead"])
def test_an_absurd_time_is_ignored_whatever_the_receivers_clock(
    ledger: Ledger, consumer: Consumer, engine: Engine, accept: Accept, ahead: timedelta
):
    """A status two days ahead of Redis' clock would never be superseded."""
    now = datetime.now(UTC)
    sent = replace(envelope("d", timestamp=(now + 2 * DAY).isoformat()), received_at=now + ahead)
    consume_pending(ledger, consumer, accept(sent))
    (delivery,) = rows_of(engine, "deliveries").values()
    assert (delivery.outcome, delivery.remark) == ("applied", f"timestamp: {TOO_FAR_AHEAD}")
    rebuilt(engine)
    assert rows_of(engine, "deliveries")[delivery.id] == delivery


def test_the_audit_report_shows_batches_from_the_future(
    ledger: Ledger, engine: Engine, accept: Accept, redis_clock: Clock, capsys: pytest.CaptureFixture[str]
):
    """It says that a batch was accepted in the future, instead of a negative or zero waiting time."""
    redis_clock.set(2 * HOUR_S)
    accept(envelope("1"))
    redis_clock.set(0)
    print_audit(Auditor(ledger, engine).audit())
    output = " ".join(capsys.readouterr().out.split())
    assert "in the future by" in output

"""Worker metrics: its counters, and gauges of ledger, store and beat."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import ConnectionError as NotConnected

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.schedules import sent_entry
from ledger.stats import ledger_stats
from seven.archive_records import ArchivedDelivery
from seven.events import QUEUES
from store.circuit_breaker import CircuitBreaker
from tests.factories.envelopes import Accept, envelope
from tests.servers import free_port
from workers.heartbeat import Heartbeat
from workers.metrics import LedgerMetrics, StoreMetrics, WorkerMetrics

REFUSED = "ConnectionError ECONNREFUSED: nothing listens there"


def collect(*collectors: Collector) -> dict[str, float]:
    """All samples by name and labels."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return samples(registry)


def samples(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_a_hold_is_exported():
    """Its state, start and number."""
    breaker = CircuitBreaker(0.0)
    assert collect(StoreMetrics(breaker)) == {"seven_store_held": 0, "seven_store_holds_total": 0}
    breaker.failed("OperationalError 57P03")
    assert breaker.hold
    values = collect(StoreMetrics(breaker))
    assert values["seven_store_held"] == values["seven_store_holds_total"] == 1
    assert values["seven_store_held_since_timestamp_seconds"] == pytest.approx(breaker.hold.since.timestamp())
    breaker.succeeded()
    breaker.failed("again")
    assert collect(StoreMetrics(breaker))["seven_store_holds_total"] == 2


def test_a_ledger_that_is_down_exports_nothing():
    """A stale figure would look valid."""
    ledger = Ledger(f"redis://127.0.0.1:{free_port()}/0")
    assert collect(LedgerMetrics(ledger)) == {}


def test_the_ledger_is_exported_by_queue(ledger: Ledger, accept: Accept):
    """Pending batches, their waiting time and announcements by queue, and the last delivery by event type."""
    accept(envelope("1"))
    accept(envelope("2"), queue="parked")
    ledger.redis.rpush(CLOCK, "a", "b")
    ledger.redis.hset("unacked", "c", "d")
    values = collect(LedgerMetrics(ledger))

    assert values['seven_ledger_pending_batches{queue="dlr"}'] == 1
    assert values['seven_ledger_pending_batches{queue="sms_mo"}'] == 0
    assert 0 <= values['seven_ledger_oldest_pending_seconds{queue="dlr"}'] < 60
    assert values[f'seven_queue_announcements{{queue="{CLOCK}"}}'] == 2
    assert values["seven_unacked_announcements"] == 1
    last = {name: at for name, at in values.items() if name.startswith("seven_last_delivery")}
    assert {name.partition("{")[2] for name in last} == {'event_type="dlr"}', 'event_type="unknown"}'}
    assert all(abs(at - datetime.now(UTC).timestamp()) < 60 for at in last.values())


def test_consumed_deliveries_are_counted():
    """By event type and outcome, with the duration; names of unknown event types do not become labels."""
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.consumed("dlr", ["applied", "applied", "dead"], 0.2)
    metrics.consumed("parked", ["parked"], 0.1)
    values = samples(registry)

    assert values['seven_deliveries_consumed_total{event_type="dlr",outcome="applied"}'] == 2
    assert values['seven_deliveries_consumed_total{event_type="dlr",outcome="dead"}'] == 1
    assert values['seven_deliveries_consumed_total{event_type="unknown",outcome="parked"}'] == 1
    assert values['seven_consume_seconds_count{queue="dlr"}'] == 1
    assert values["seven_consumed_batch_deliveries_sum"] == 4


def test_the_providers_lag_is_measured():
    """From the event's time to its arrival; a time in the future, by a wrong clock, counts as no lag."""
    registry, now = CollectorRegistry(), datetime.now(UTC)

    def delivery(ago: timedelta | None, outcome: str = "applied") -> ArchivedDelivery:
        event_at = None if ago is None else now - ago
        return ArchivedDelivery(id="1", received_at=now, event_at=event_at, outcome=outcome)

    WorkerMetrics(registry).lag(
        "dlr",
        [
            delivery(timedelta(minutes=2)), delivery(timedelta(hours=-1)), delivery(None),
            delivery(timedelta(days=9), "parked"),
        ],
    )  # fmt: skip
    values = samples(registry)

    assert values['seven_provider_lag_seconds_count{event_type="dlr"}'] == 2
    assert values['seven_provider_lag_seconds_sum{event_type="dlr"}'] == 120
    assert values['seven_provider_lag_seconds_bucket{event_type="dlr",le="1.0"}'] == 1


@pytest.mark.parametrize("hours", [1, 2])
def test_a_wrong_time_zone_shows_as_what_it_is(hours: int):
    """Deliveries one or two hours late are in a narrow bucket: a quantile, which is interpolated, is close to the truth."""
    registry, now = CollectorRegistry(), datetime.now(UTC)
    late_s = hours * 3600 + 20
    late = ArchivedDelivery(id="1", received_at=now, event_at=now - timedelta(seconds=late_s), outcome="applied")
    WorkerMetrics(registry).lag("dlr", [late])
    buckets = {
        float(sample.labels["le"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "seven_provider_lag_seconds_bucket"
    }
    upper = min(le for le, count in buckets.items() if count)
    lower = max(le for le, count in buckets.items() if not count)

    assert lower + 0.9 * (upper - lower) < 1.1 * late_s
    assert lower == hours * 3600


def test_a_beat_is_listed_while_it_runs(ledger: Ledger, redis_url: str):
    """Each beat until it ends; the entry of a killed one is removed after an hour."""
    other = Ledger(redis_url)
    first, second = Heartbeat(ledger, CollectorRegistry()), Heartbeat(other, CollectorRegistry())
    first.beat()
    second.beat()
    assert ledger.redis.zcard("seven:beats") == 2
    second.end()
    assert ledger.redis.zrange("seven:beats", 0, -1) == [ledger.worker_id.encode()]
    ledger.redis.zadd("seven:beats", {"killed": 1.0})
    first.beat()
    assert ledger.redis.zcard("seven:beats") == 1
    assert (first.stall_reasons(), first.unready_reasons()) == ([], [])


def test_a_beat_without_its_ledger_is_not_ready():
    """It stays alive however long the outage lasts, but no worker would receive its tasks."""
    now = 0.0
    heartbeat = Heartbeat(Ledger(f"redis://127.0.0.1:{free_port()}/0"), CollectorRegistry(), lambda: now)
    heartbeat.beat()
    now = 1000.0

    assert heartbeat.stall_reasons() == []
    assert heartbeat.unready_reasons() == [f"the ledger does not answer ({REFUSED})"]


def test_a_beat_that_does_not_tick_is_not_alive(ledger: Ledger):
    """After a minute, until it ticks again; then it is not ready either."""
    now = 0.0
    heartbeat = Heartbeat(ledger, CollectorRegistry(), lambda: now)
    now = 59.0
    assert heartbeat.stall_reasons() == []
    now = 61.0
    assert heartbeat.stall_reasons() == heartbeat.unready_reasons() == ["beat has not ticked for 61 s"]
    heartbeat.beat()
    assert heartbeat.stall_reasons() == []


def test_a_beat_that_sends_nothing_is_not_alive(ledger: Ledger):
    """A late task counts although beat ticks; a task that was skipped, since too many wait, is not late."""
    now = 0.0
    registry = CollectorRegistry()
    heartbeat = Heartbeat(ledger, registry, lambda: now, {"sweep": 10.0, "audit": 900.0})
    assert samples(registry)['seven_beat_sent_total{task="sweep"}'] == 0
    heartbeat.beat()
    sent = ledger_stats(ledger, QUEUES).sent
    assert {task: entry.period_s for task, entry in sent.items()} == {"sweep": 10.0, "audit": 900.0}
    now = 91.0
    heartbeat.beat()
    assert heartbeat.stall_reasons() == heartbeat.unready_reasons() == ["beat has not sent sweep for 91 s"]
    heartbeat.skipped("sweep")
    assert heartbeat.stall_reasons() == []
    now = 182.0
    heartbeat.beat()
    assert heartbeat.stall_reasons() == ["beat has not sent sweep for 91 s"]
    heartbeat.sent("sweep")
    assert heartbeat.stall_reasons() == []
    assert samples(registry)['seven_beat_sent_total{task="sweep"}'] == 1


def test_due_times_count_from_the_end_of_an_outage(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """Beat cannot send while Redis is down; each task is due within its period after that, and late thereafter."""
    now = 0.0
    heartbeat = Heartbeat(ledger, CollectorRegistry(), lambda: now, {"sweep": 10.0, "audit": 900.0})
    heartbeat.beat()
    with monkeypatch.context() as patch:
        patch.setattr(ledger.redis, "time", Mock(side_effect=NotConnected))
        now = 4000.0
        heartbeat.beat()
    long_ago_ms = (ledger.redis.time()[0] - 4000) * 1000
    ledger.redis.hset(keyspace.SENT, mapping={"audit": sent_entry(long_ago_ms, 900.0)})
    assert ledger_stats(ledger, QUEUES).sent["audit"].late
    assert heartbeat.stall_reasons() == [], "Redis is back, and beat has not ticked yet"
    now = 4005.0
    heartbeat.beat()
    assert heartbeat.stall_reasons() == heartbeat.unready_reasons() == []
    assert [entry.late for entry in ledger_stats(ledger, QUEUES).sent.values()] == [False, False]
    now = 4096.0
    heartbeat.beat()
    assert heartbeat.stall_reasons() == ["beat has not sent sweep for 91 s"]
    now = 4005.0 + 2761.0
    heartbeat.beat()
    assert heartbeat.stall_reasons() == ["beat has not sent sweep for 2761 s", "beat has not sent audit for 2761 s"]

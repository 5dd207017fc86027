"""What a worker tells: what it has done, and how ledger and store stand."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import ConnectionError as NotConnected

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.stats import sent, sent_entry
from seven.records import ArchivedDelivery
from store.circuit_breaker import CircuitBreaker
from tests.factories.envelopes import Accept, envelope
from tests.servers import free_port
from workers.heartbeat import Heartbeat
from workers.metrics import LedgerMetrics, StoreMetrics, WorkerMetrics, hindrances


def told(*collectors: Collector) -> dict[str, float]:
    """Every sample, by its name and labels."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return samples(registry)


def samples(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_a_hold_is_told(redis_url: str):
    """Whether, since when, how often; and it hinders."""
    breaker, redis = CircuitBreaker(0.0), Ledger(redis_url).redis
    assert told(StoreMetrics(breaker)) == {"seven_store_held": 0, "seven_store_holds_total": 0}
    assert hindrances(redis, breaker) == []
    breaker.failed("OperationalError 57P03")
    assert breaker.hold
    found = told(StoreMetrics(breaker))
    assert found["seven_store_held"] == found["seven_store_holds_total"] == 1
    assert found["seven_store_held_since_timestamp_seconds"] == pytest.approx(breaker.hold.since.timestamp())
    assert hindrances(redis, breaker) == [str(breaker.hold)]
    breaker.succeeded()
    breaker.failed("again")
    assert told(StoreMetrics(breaker))["seven_store_holds_total"] == 2


def test_a_ledger_that_is_away_hinders_and_tells_nothing():
    """An old figure would look like a good one."""
    ledger = Ledger(f"redis://127.0.0.1:{free_port()}/0")
    assert hindrances(ledger.redis, CircuitBreaker()) == ["the ledger does not answer (ConnectionError)"]
    assert told(LedgerMetrics(ledger)) == {}


def test_the_ledger_is_told_by_queue(ledger: Ledger, accept: Accept):
    """What waits and since when, what nobody has taken, of every queue; and when which event type last came."""
    accept(envelope("1"))
    accept(envelope("2"), queue="parked")
    ledger.redis.rpush(CLOCK, "a", "b")
    ledger.redis.hset("unacked", "c", "d")
    found = told(LedgerMetrics(ledger))

    assert found['seven_ledger_pending_batches{queue="dlr"}'] == 1
    assert found['seven_ledger_pending_batches{queue="sms_mo"}'] == 0
    assert 0 <= found['seven_ledger_oldest_pending_seconds{queue="dlr"}'] < 60
    assert found[f'seven_queue_announcements{{queue="{CLOCK}"}}'] == 2
    assert found["seven_unacked_announcements"] == 1
    last = {name: at for name, at in found.items() if name.startswith("seven_last_delivery")}
    assert {name.partition("{")[2] for name in last} == {'event_type="dlr"}', 'event_type="unknown"}'}
    assert all(abs(at - datetime.now(UTC).timestamp()) < 60 for at in last.values())


def test_consuming_is_counted():
    """By event type and outcome, with the time it took; the words of strangers are no labels."""
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.consumed("dlr", ["applied", "applied", "dead"], 0.2)
    metrics.consumed("parked", ["parked"], 0.1)
    found = samples(registry)

    assert found['seven_deliveries_consumed_total{event_type="dlr",outcome="applied"}'] == 2
    assert found['seven_deliveries_consumed_total{event_type="dlr",outcome="dead"}'] == 1
    assert found['seven_deliveries_consumed_total{event_type="unknown",outcome="parked"}'] == 1
    assert found['seven_consume_seconds_count{queue="dlr"}'] == 1
    assert found["seven_consumed_batch_deliveries_sum"] == 4


def test_the_way_to_us_is_measured():
    """From the event's time to its arrival; what comes from the future, by a wrong clock, came at once."""
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
    found = samples(registry)

    assert found['seven_provider_lag_seconds_count{event_type="dlr"}'] == 2
    assert found['seven_provider_lag_seconds_sum{event_type="dlr"}'] == 120
    assert found['seven_provider_lag_seconds_bucket{event_type="dlr",le="1.0"}'] == 1


def test_a_beat_is_seen_while_it_lives(ledger: Ledger, redis_url: str):
    """Each by itself, until it ends; one that was killed is forgotten after an hour."""
    other = Ledger(redis_url)
    one, two = Heartbeat(ledger, CollectorRegistry()), Heartbeat(other, CollectorRegistry())
    one.beat()
    two.beat()
    assert ledger.redis.zcard("seven:beats") == 2
    two.end()
    assert ledger.redis.zrange("seven:beats", 0, -1) == [ledger.worker_id.encode()]
    ledger.redis.zadd("seven:beats", {"killed": 1.0})
    one.beat()
    assert ledger.redis.zcard("seven:beats") == 1
    assert (one.silence(), one.hindrances()) == ([], [])


def test_a_beat_without_its_ledger_is_not_ready():
    """It lives, however long that takes; nobody would get what it sends."""
    now = 0.0
    pulse = Heartbeat(Ledger(f"redis://127.0.0.1:{free_port()}/0"), CollectorRegistry(), lambda: now)
    pulse.beat()
    now = 1000.0

    assert pulse.silence() == []
    assert pulse.hindrances() == ["the ledger does not answer (ConnectionError)"]


def test_a_beat_that_does_not_tick_does_not_live(ledger: Ledger):
    """After a minute, and until it ticks again; nobody would get what it does not send."""
    now = 0.0
    pulse = Heartbeat(ledger, CollectorRegistry(), lambda: now)
    now = 59.0
    assert pulse.silence() == []
    now = 61.0
    assert pulse.silence() == pulse.hindrances() == ["beat has not ticked for 61 s"]
    pulse.beat()
    assert pulse.silence() == []


def test_a_beat_that_sends_nothing_does_not_live(ledger: Ledger):
    """It ticks, and one of its tasks stays away; to skip one, while nobody takes any, is to have come to it."""
    now = 0.0
    registry = CollectorRegistry()
    pulse = Heartbeat(ledger, registry, lambda: now, {"sweep": 10.0, "audit": 900.0})
    assert samples(registry)['seven_beat_sent_total{task="sweep"}'] == 0
    pulse.beat()
    assert {task: one.period_s for task, one in sent(ledger).items()} == {"sweep": 10.0, "audit": 900.0}
    now = 91.0
    pulse.beat()
    assert pulse.silence() == pulse.hindrances() == ["beat has not sent sweep for 91 s"]
    pulse.skipped("sweep")
    assert pulse.silence() == []
    now = 182.0
    pulse.beat()
    assert pulse.silence() == ["beat has not sent sweep for 91 s"]
    pulse.sent("sweep")
    assert pulse.silence() == []
    assert samples(registry)['seven_beat_sent_total{task="sweep"}'] == 1


def test_what_is_due_counts_from_the_end_of_an_outage(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """Nothing could be sent while Redis was away, and each task comes again within its period; later is late again."""
    now = 0.0
    pulse = Heartbeat(ledger, CollectorRegistry(), lambda: now, {"sweep": 10.0, "audit": 900.0})
    pulse.beat()
    with monkeypatch.context() as patch:
        patch.setattr(ledger.redis, "time", Mock(side_effect=NotConnected))
        now = 4000.0
        pulse.beat()
    long_ago_ms = (ledger.redis.time()[0] - 4000) * 1000
    ledger.redis.hset(keyspace.SENT, mapping={"audit": sent_entry(long_ago_ms, 900.0)})
    assert sent(ledger)["audit"].late
    assert pulse.silence() == [], "Redis is back, and no tick has met it yet"
    now = 4005.0
    pulse.beat()
    assert pulse.silence() == pulse.hindrances() == []
    assert [one.late for one in sent(ledger).values()] == [False, False]
    now = 4096.0
    pulse.beat()
    assert pulse.silence() == ["beat has not sent sweep for 91 s"]
    now = 4005.0 + 2761.0
    pulse.beat()
    assert pulse.silence() == ["beat has not sent sweep for 2761 s", "beat has not sent audit for 2761 s"]

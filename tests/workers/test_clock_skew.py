"""Clocks apart: what each decision does with Redis' clock, the database's or our own set forward and back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from cli.output.audit import report
from gateway.hook_state import LOCK_S as HOOKS_LOCK_S
from gateway.hook_state import HookStates
from ledger import keyspace, stats
from ledger.claims import ALONE_S, claimed, lock
from ledger.client import Ledger
from ledger.receivers import living as living_receivers
from operations.audit import Auditor
from operations.audit_schedule import LONGEST_S
from operations.replay import replay
from operations.retention import LOCK_S, Retention
from operations.retention_metrics import RetentionMetrics
from seven.events import QUEUES
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from tests.clocks import Clock
from tests.factories.aged_rows import keeping, of, retained, row
from tests.factories.envelopes import Accept, envelope
from tests.gateway.hook_runs import living
from tests.servers import Postgres, Valkey, valkey
from workers.consumer import Consumer
from workers.heartbeat import Heartbeat
from workers.metrics import LedgerMetrics
from workers.sweep import Sweep

DAY = timedelta(days=1)
FAR_S = 1200 * 86_400.0
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def redis_clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, redis_clock: Clock) -> Iterator[Valkey]:
    with (
        valkey(tmp_path_factory.mktemp("valkey-apart"), environment=redis_clock.environment) as server,
        server.client() as client,
    ):
        redis_clock.read = lambda: float(client.time()[0])  # type: ignore[index]
        yield server


@pytest.fixture
def redis_url(server: Valkey, redis_clock: Clock) -> str:
    """The URL of an empty Redis whose clock is right, until a test sets it."""
    redis_clock.set(0)
    with server.client() as client:
        client.flushall()
    return server.url


@pytest.fixture(scope="module")
def database_clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, database_clock: Clock) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres-apart"), database_clock.environment)
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'seven.db'}"
    else:
        request.getfixturevalue("database_clock").set(0)
        url = request.getfixturevalue("postgres").database()
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    return url


def one_pass(ledger: Ledger, engine: Engine) -> str:
    """What the metrics tell after a pass that removes what is older than a month."""
    Retention(ledger, engine, CircuitBreaker(), keeping(payloads=30, deliveries=30), pause=lambda _: None).run()
    registry = CollectorRegistry()
    registry.register(RetentionMetrics(ledger.redis))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("whose", ["Redis", "the database", "our own"])
@pytest.mark.parametrize("ahead_s", [FAR_S, -FAR_S, 600.0, -600.0])
def test_retention_goes_by_no_single_clock(
    ledger: Ledger, engine: Engine, dialect: str, request: pytest.FixtureRequest, redis_clock: Clock,
    whose: str, ahead_s: float,
):  # fmt: skip
    """With one of three clocks wrong, ahead or behind, nothing is removed and it is said; then all goes on."""
    if whose == "the database" and dialect == "sqlite":
        pytest.skip("SQLite has no clock but ours")
    Store(engine).write([row(1, timedelta(minutes=1)), row(2, 20 * DAY), row(3, 400 * DAY)])
    if whose == "our own":
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead_s), tick=True):
            told = one_pass(ledger, engine)
    else:
        clock = redis_clock if whose == "Redis" else request.getfixturevalue("database_clock")
        clock.set(ahead_s)
        told = one_pass(ledger, engine)
        assert ("ahead of" in (stats.ledger_stats(ledger, QUEUES).retention_refused or "")) or whose == "Redis"
        clock.set(0)
    assert "seven_retention_refused 1.0" in told
    assert "seven_retention_last_timestamp_seconds" not in told
    assert {one.ordinal for one in of(engine, "deliveries").values()} == {1, 2, 3}
    assert all(one.payload for one in of(engine, "deliveries").values())
    told = one_pass(ledger, engine)
    assert "seven_retention_refused 0.0" in told
    assert "seven_retention_last_timestamp_seconds" in told
    assert {one.ordinal for one in of(engine, "deliveries").values()} == {1, 2}
    assert stats.ledger_stats(ledger, QUEUES).retention_refused is None


def test_a_machine_whose_clocks_leap_agrees_with_itself(
    ledger: Ledger, engine: Engine, dialect: str, request: pytest.FixtureRequest, redis_clock: Clock
):
    """Redis, the database and the worker by one clock, set years ahead for a while: nothing is removed, and it is said."""
    Store(engine).write([row(1, timedelta(minutes=1)), row(2, 20 * DAY)])
    before = of(engine, "deliveries")
    assert "seven_retention_refused 0.0" in one_pass(ledger, engine)
    clocks = [redis_clock, *([request.getfixturevalue("database_clock")] if dialect == "postgresql" else [])]
    for clock in clocks:
        clock.set(FAR_S)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=FAR_S), tick=True):
        told = [one_pass(ledger, engine) for _ in range(2)]
        refused = stats.ledger_stats(ledger, QUEUES).retention_refused or ""
    assert all("seven_retention_refused 1.0" in one for one in told)
    assert refused.startswith("all clocks are 1200 d further ahead than this machine has lived since the last pass")
    for clock in clocks:
        clock.set(0)
    assert of(engine, "deliveries") == before
    assert "seven_retention_refused 0.0" in one_pass(ledger, engine)
    assert of(engine, "deliveries") == before


@pytest.fixture
def sweep(ledger: Ledger) -> Sweep:
    return Sweep(ledger, lambda *_: None, overdue_s=30, at_most=100)


@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, FAR_S])
def test_what_was_accepted_in_the_future_is_overdue(
    ledger: Ledger, accept: Accept, sweep: Sweep, redis_clock: Clock, ahead_s: float
):
    """Redis' clock ahead at accept, then right: announced at once, and then as all others are; its age is no lie."""
    redis_clock.set(ahead_s)
    batch = accept(envelope("1"))
    assert sweep.run() == 0
    redis_clock.set(0)
    figures = ledger.figures(QUEUES)
    (latest_at,) = filter(None, (one.latest_at for one in figures.queues.values()))
    assert abs((latest_at - figures.now).total_seconds() - ahead_s) < 300
    registry = CollectorRegistry()
    registry.register(LedgerMetrics(ledger))
    told = registry.get_sample_value("seven_ledger_oldest_pending_seconds", {"queue": "dlr"})
    assert told is not None
    assert told < -ahead_s + 300
    assert sweep.run() == 1
    assert sweep.run() == 0  # it counts as announced now, by a clock that is right
    assert ledger.redis.zscore(keyspace.announced("dlr"), batch) <= ledger.redis.time()[0] * 1000 + 1000


def test_what_is_overdue_by_two_clocks_is_bounded_as_ever(ledger: Ledger, accept: Accept, redis_clock: Clock):
    """Batches of a past and of a future: the past's first, both at most so many at once, each once."""
    redis_clock.set(HOUR_S)
    future = [accept(envelope(f"f{number}")) for number in range(3)]
    redis_clock.set(-HOUR_S)
    past = [accept(envelope(f"p{number}")) for number in range(3)]
    redis_clock.set(0)
    assert ledger.overdue("dlr", 30, 2, 10) == past[:2]
    assert ledger.overdue("dlr", 30, 2, 10) == [past[2], future[0]]
    assert ledger.overdue("dlr", 30, 9, 10) == future[1:]
    assert ledger.overdue("dlr", 30, 9, 10) == []


def test_redis_behind_at_accept(ledger: Ledger, accept: Accept, sweep: Sweep, redis_clock: Clock):
    """Behind, then right: it is older than it is, and announced a little early, which costs nothing."""
    redis_clock.set(-HOUR_S)
    accept(envelope("1"))
    assert sweep.run() == 0
    redis_clock.set(0)
    assert (sweep.run(), sweep.run()) == (1, 0)


def test_retention_waits_for_what_was_accepted_in_the_future(
    ledger: Ledger, engine: Engine, accept: Accept, redis_clock: Clock
):
    """Nobody knows since when it is pending, so no delivery is removed until it is settled; the rest goes on."""
    Store(engine).write([row(1, 400 * DAY)])
    redis_clock.set(2 * HOUR_S)
    batch = accept(envelope("1"))
    redis_clock.set(0)
    found = retained(ledger, engine, keeping(deliveries=30, payloads=30))
    assert (found.removed["deliveries"], found.blanked["deliveries"]) == (0, 1)
    ledger.settle("dlr", [batch])
    assert retained(ledger, engine, keeping(deliveries=30)).removed["deliveries"] == 1


LOCKS = {
    keyspace.RETENTION_LOCK: LOCK_S,
    keyspace.AUDIT_LOCK: LONGEST_S,
    keyspace.HOOKS_LOCK: HOOKS_LOCK_S,
    keyspace.isolating("batch"): ALONE_S,
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_outlives_no_clock(ledger: Ledger, redis_clock: Clock, name: str):
    """Whoever had it died while Redis' clock was ahead: it lapses in its own time, and not in years."""
    redis_clock.set(FAR_S)
    assert lock(ledger.redis, name, LOCKS[name]).acquire()
    redis_clock.set(0)
    assert ledger.redis.ttl(name) > FAR_S / 2
    if name == keyspace.HOOKS_LOCK:
        assert not HookStates(ledger.redis).lock().acquire()
    elif name == keyspace.isolating("batch"):
        with claimed(ledger, "batch") as claim:
            assert claim is None
    else:
        assert not lock(ledger.redis, name, LOCKS[name]).acquire()
    assert 0 < ledger.redis.ttl(name) <= LOCKS[name]
    redis_clock.set(LOCKS[name] + 60)  # its time is over
    assert lock(ledger.redis, name, LOCKS[name]).acquire()


def test_a_lock_whose_time_a_clock_skipped(ledger: Ledger, redis_clock: Clock):
    """Redis' clock set forward ends locks early: two at once do no harm, and who lost it releases nobody else's."""
    first = lock(ledger.redis, keyspace.AUDIT_LOCK, LONGEST_S)
    assert first.acquire()
    redis_clock.set(2 * HOUR_S)
    second = lock(ledger.redis, keyspace.AUDIT_LOCK, LONGEST_S)
    assert second.acquire()
    assert not first.owned()
    assert second.owned()


def test_a_receiver_that_is_gone_is_forgotten_after_any_clock(ledger: Ledger, redis_url: str, redis_clock: Clock):
    """Its entry was written while Redis' clock was ahead: it lives a minute longer, and not for years."""
    redis_clock.set(FAR_S)
    living(redis_url, "killed", "a-token")
    redis_clock.set(0)
    assert [receiver.id for receiver in living_receivers(ledger.redis)] == ["killed"]
    assert 0 < ledger.redis.pttl(keyspace.receiver("killed")) <= 60_000


@pytest.mark.parametrize("ahead_s", [FAR_S, -FAR_S / 2])
def test_a_beat_is_judged_by_what_it_sends(ledger: Ledger, redis_clock: Clock, ahead_s: float):
    """A beat that died by another clock is none, and one that lives is seen at its next tick."""
    dead = Heartbeat(Ledger(_url(ledger)), CollectorRegistry(), periods={"sweep": 10.0})
    redis_clock.set(ahead_s)
    dead.beat()
    dead.sent("sweep")
    assert stats.ledger_stats(ledger, QUEUES).beat_ages_s
    redis_clock.set(0)
    alive = [age_s for age_s in stats.ledger_stats(ledger, QUEUES).beat_ages_s if age_s < 60]
    assert alive == []
    Heartbeat(ledger, CollectorRegistry(), periods={"sweep": 10.0}).beat()
    told = stats.ledger_stats(ledger, QUEUES)
    assert len(told.beat_ages_s) == 1
    assert not told.sent["sweep"].late
    assert told.sent["sweep"].age_s < 60
    assert ledger.redis.zrange(keyspace.BEATS, 0, -1) == [ledger.worker_id.encode()]


def _url(ledger: Ledger) -> str:
    told = ledger.redis.connection_pool.connection_kwargs
    return f"redis://{told['host']}:{told['port']}/0"


def consumed(ledger: Ledger, consumer: Consumer, batch: str) -> None:
    assert ledger.figures(QUEUES).queues["dlr"].pending == 1
    consumer.consume("dlr", [batch])


@pytest.mark.parametrize(
    ("receiver", "redis", "outcome"),
    [
        pytest.param(-3 * DAY, timedelta(), "applied", id="a receiver behind"),
        pytest.param(timedelta(), -3 * DAY, "applied", id="Redis behind"),
        pytest.param(3 * DAY, timedelta(), "applied", id="a receiver ahead"),
        pytest.param(timedelta(), 3 * DAY, "applied", id="Redis ahead"),
        pytest.param(-3 * DAY, -3 * DAY, "parked", id="both behind"),
    ],
)
def test_a_time_is_judged_by_the_latest_clock_to_be_trusted(
    ledger: Ledger, consumer: Consumer, engine: Engine, accept: Accept, redis_clock: Clock,
    receiver: timedelta, redis: timedelta, outcome: str,
):  # fmt: skip
    """What happened just now is no absurd time because one clock is behind; what both do not know, waits for replay."""
    now = datetime.now(UTC)
    redis_clock.set(redis.total_seconds())
    told = replace(envelope("d", timestamp=now.isoformat()), received_at=now + receiver)
    consumed(ledger, consumer, accept(told))
    (found,) = of(engine, "deliveries").values()
    assert found.outcome == outcome
    if outcome == "parked":
        redis_clock.set(0)
        replay(Store(engine), [found.id])
        (found,) = of(engine, "deliveries").values()
    assert (found.outcome, found.event_at and abs(found.event_at - now) < timedelta(seconds=1)) == ("applied", True)


@pytest.mark.parametrize("ahead", [-3 * DAY, timedelta(), 3 * DAY], ids=["behind", "right", "ahead"])
def test_an_absurd_time_is_parked_whatever_the_receiver_says(
    ledger: Ledger, consumer: Consumer, engine: Engine, accept: Accept, ahead: timedelta
):
    """A status of the day after tomorrow, by Redis' clock, would stand for ever."""
    now = datetime.now(UTC)
    told = replace(envelope("d", timestamp=(now + 2 * DAY).isoformat()), received_at=now + ahead)
    consumed(ledger, consumer, accept(told))
    (found,) = of(engine, "deliveries").values()
    assert (found.outcome, "absurd time" in (found.reason or "")) == ("parked", True)


def test_the_report_of_an_audit_shows_the_future_as_what_it_is(
    ledger: Ledger, engine: Engine, accept: Accept, redis_clock: Clock, capsys: pytest.CaptureFixture[str]
):
    """No negative waiting time, and no zero: that it was accepted in the future."""
    redis_clock.set(2 * HOUR_S)
    accept(envelope("1"))
    redis_clock.set(0)
    report(Auditor(ledger, engine).audit())
    said = " ".join(capsys.readouterr().out.split())
    assert "in the future by" in said

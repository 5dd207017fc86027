"""Isolating: deaths over a batch lead to the one envelope that kills, and innocent neighbours are all applied."""

import json
import sys
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, select

from ledger.settling import Ledger
from seven.records import Record
from tests.workers.envelopes import envelope
from workers.consuming import Consumer
from workers.holding import Breaker
from workers.store.tables import dead_letters, deliveries
from workers.store.writing import Store, StoreAway


class Death(BaseException):
    """What a kill is to the code it hits: nothing runs after it."""


class DeadlyStore(Store):
    """A store over which a worker dies when a certain delivery is in hand."""

    def __init__(self, engine: Engine, deadly: str | None, fate: type[BaseException] = Death) -> None:
        super().__init__(engine)
        self.deadly, self.fate = deadly, fate
        self.alone: list[int] = []

    def write(self, records: Any) -> None:
        told: list[Record] = list(records)
        ids = [one.key[0] for one in told if one.table == "deliveries"]
        if self.deadly in ids and any(one.table == "messages" for one in told):
            self.alone.append(len(ids))
            raise self.fate
        super().write(told)


class MortalLedger(Ledger):
    """A ledger whose client dies with its process: it says nothing of what it had in hand."""

    def release(self, batch_ids: Any) -> None:
        if not isinstance(sys.exc_info()[1], Death):
            super().release(batch_ids)

    def end_alone(self, batch_id: str, ordinal: int) -> None:
        if not isinstance(sys.exc_info()[1], Death):
            super().end_alone(batch_id, ordinal)


def outcomes(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row.outcome for row in connection.execute(select(deliveries.c.id, deliveries.c.outcome))}


def consume_until_it_lives(redis_url: str, store: DeadlyStore, batch: str) -> int:
    """Start a worker on the batch again and again, as a supervisor would; returns how many died."""
    for deaths in range(20):
        ledger = MortalLedger(redis_url)
        try:
            Consumer(ledger, store, Breaker(0.0)).consume("dlr", [batch])
        except Death:
            continue
        else:
            return deaths
        finally:
            ledger.close()
    raise AssertionError("it dies for ever")


@pytest.mark.parametrize("deadly", ["a", "b", "d"])
def test_the_envelope_that_kills_is_buried_alone(
    redis_url: str, ledger: Ledger, engine: Engine, accept: Any, deadly: str
):
    """Three deaths over the batch, two over the envelope alone: it is a dead letter, and all others are applied."""
    batch = accept(*map(envelope, "abcd"))
    store = DeadlyStore(engine, deadly)
    assert consume_until_it_lives(redis_url, store, batch) == 5
    assert store.alone == [4, 4, 4, 1, 1]
    assert outcomes(engine) == dict.fromkeys("abcd", "applied") | {deadly: "dead"}
    assert ledger.redis.keys("seven:starts") == ledger.redis.keys("seven:alone") == []
    assert ledger.redis.hlen("seven:batches") == 0
    with engine.connect().execution_options(reads=True) as connection:
        ((reason, text),) = connection.execute(select(dead_letters.c.reason, dead_letters.c.envelope))
    assert reason == "2 workers died with it alone in hand"
    assert text.startswith("base64:")


def test_an_innocent_batch_is_applied_whole(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """Killed over and over from outside: nothing is buried, however often."""
    batch = accept(*map(envelope, "abcd"))
    for _ in range(9):
        ledger.take("dlr", [batch])  # begun, and killed
    Consumer(ledger, Store(engine), Breaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("abcd", "applied")
    assert ledger.redis.keys("seven:starts") == ledger.redis.keys("seven:alone") == []


def test_one_death_alone_proves_nothing(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """An envelope that was alone in hand at a single death is applied the next time."""
    batch = accept(*map(envelope, "ab"))
    for _ in range(4):
        ledger.take("dlr", [batch])
    ledger.begin_alone(batch, 1)
    Consumer(ledger, Store(engine), Breaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")


@pytest.mark.parametrize("fate", [pytest.param(StoreAway, id="hold"), pytest.param(RuntimeError, id="failure")])
def test_holds_and_failures_are_no_deaths(
    redis_url: str, ledger: Ledger, engine: Engine, accept: Any, fate: type[Exception]
):
    """However often a batch was held, or something failed over it, it is not suspect."""
    batch = accept(envelope("a"))
    store = DeadlyStore(engine, "a", fate)
    for _ in range(6):
        with suppress(RuntimeError):
            Consumer(ledger, store, Breaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:starts") == 0
    store.deadly = None
    Consumer(ledger, store, Breaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == {"a": "applied"}


def test_a_hold_while_alone_is_no_death(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """Nor does a database that is away while suspects are consumed make anybody guilty."""
    batch = accept(*map(envelope, "ab"))
    for _ in range(4):
        ledger.take("dlr", [batch])
    store = DeadlyStore(engine, "a", StoreAway)
    for _ in range(5):
        Consumer(ledger, store, Breaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:alone") == 0
    store.deadly = None
    Consumer(ledger, store, Breaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")


def test_a_full_redis_hinders_no_consuming(ledger: Ledger, engine: Engine, accept: Any):
    """Counting starts needs memory; without any, batches are consumed and settled all the same, and make room."""
    batch = accept(*map(envelope, "ab"))
    limit = ledger.redis.config_get("maxmemory")["maxmemory"]
    ledger.redis.config_set("maxmemory", 1)
    try:
        Consumer(ledger, Store(engine), Breaker(0.0)).consume("dlr", [batch])
    finally:
        ledger.redis.config_set("maxmemory", limit)
    assert outcomes(engine) == dict.fromkeys("ab", "applied")
    assert ledger.redis.hlen("seven:batches") == 0


def test_a_truncated_batch_is_kept_as_far_as_it_goes(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any):
    """Its whole envelopes are applied, the broken one is a dead letter; what was cut off is a loss, and audited as one."""
    batch = accept(*map(envelope, "abcd"))
    stored = ledger.redis.hget("seven:batches", batch)
    ledger.redis.hset("seven:batches", batch, stored[: stored.index(b'"id":"c"') + 20])
    consumer.consume("dlr", [batch])
    assert outcomes(engine) == {"a": "applied", "b": "applied", "c": "dead"}
    with engine.connect().execution_options(reads=True) as connection:
        assert sorted(connection.execute(select(deliveries.c.ordinal)).scalars()) == [1, 2, 3]


def test_a_pending_batch_without_envelopes_is_dropped(consumer: Consumer, ledger: Ledger, accept: Any):
    """It is not announced for ever; the audit has its ordinals."""
    batch = accept(envelope("a"))
    ledger.redis.hdel("seven:batches", batch)
    consumer.consume("dlr", [batch])
    assert (ledger.redis.zcard("seven:pending:dlr"), ledger.redis.zcard("seven:announced:dlr")) == (0, 0)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(b'{"v":9,"id":"newer","payload":{"x":', "newer", id="a newer version's id is kept"),
        pytest.param(b'{"v":2,"id":"two","event_type":"dlr","received_at":"never"}', "two", id="a field changed"),
        pytest.param(json.dumps({"id": "old"}).encode(), "old", id="an older version's"),
        pytest.param(b"\xff\x00", None, id="binary"),
    ],
)
def test_envelopes_of_other_versions_keep_their_ids(
    consumer: Consumer, engine: Engine, accept: Any, line: bytes, kept: str | None
):
    """Whoever was answered with an id finds it, whatever became of the delivery."""
    batch = accept(line)
    consumer.consume("dlr", [batch])
    assert set(outcomes(engine)) == {kept or f"{batch}-1"}

"""Poison batches: deaths over a batch lead to the one envelope that kills; all others are applied."""

import signal
from contextlib import suppress
from typing import Any

import pytest
from redis.exceptions import RedisError
from sqlalchemy import Engine, select

from ledger.claims import claimed
from ledger.client import Ledger
from seven.envelope import Envelope
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Store, StoreAway
from store.schema import dead_letters
from tests.factories.envelopes import envelope
from tests.servers import Valkey
from tests.workers.dying_workers import DeadlyStore, Death, consume_until_survival, die_over, outcomes
from workers.consumer import Consumer


@pytest.mark.parametrize("deadly", ["a", "b", "d"])
def test_the_envelope_that_kills_is_buried_alone(
    redis_url: str, ledger: Ledger, engine: Engine, accept: Any, deadly: str
):
    """After three deaths over the batch and two over the envelope it is a dead letter; all others are applied."""
    batch = accept(*map(envelope, "abcd"))
    store = DeadlyStore(engine, deadly)
    assert consume_until_survival(redis_url, store, batch) == 5
    assert store.failed_sizes == [4, 4, 4, 1, 1]
    assert outcomes(engine) == dict.fromkeys("abcd", "applied") | {deadly: "dead"}
    assert ledger.redis.keys("seven:in_hand") == ledger.redis.keys("seven:alone") == []
    assert ledger.redis.hlen("seven:batches") == 0
    with engine.connect().execution_options(reads=True) as connection:
        ((reason, text),) = connection.execute(select(dead_letters.c.reason, dead_letters.c.envelope))
    assert reason == "2 workers died with it alone in hand"
    assert text.startswith("base64:")


def test_what_kills_whoever_parses_it_is_buried_unparsed(
    redis_url: str, engine: Engine, accept: Any, monkeypatch: pytest.MonkeyPatch
):
    """No sixth worker dies over it, and no other envelope shares its fate."""
    parse, batch = Envelope.parse, accept(*map(envelope, "abc"))

    def parse_unless_deadly(line: bytes) -> Envelope:
        if b'"id":"b"' in line:
            raise Death
        return parse(line)

    monkeypatch.setattr(Envelope, "parse", parse_unless_deadly)
    assert consume_until_survival(redis_url, Store(engine), batch) == 5
    assert outcomes(engine) == {"a": "applied", "b": "dead", "c": "applied"}


def test_an_innocent_batch_is_applied_whole(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """Workers that are killed from outside never cause a dead letter."""
    batch = accept(*map(envelope, "abcd"))
    die_over(redis_url, batch, 9)
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("abcd", "applied")
    assert ledger.redis.keys("seven:in_hand") == ledger.redis.keys("seven:alone") == []


def test_one_death_over_a_single_envelope_proves_nothing(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """An envelope that was alone in flight at one death is applied by the next worker."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 4)
    dead = Ledger(redis_url)
    with claimed(dead, batch) as claim:
        assert claim
        claim.begin(1)
    dead.close()
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")


@pytest.mark.parametrize("error", [pytest.param(StoreAway, id="hold"), pytest.param(RuntimeError, id="failure")])
def test_holds_and_failures_are_no_deaths(
    redis_url: str, ledger: Ledger, engine: Engine, accept: Any, error: type[Exception]
):
    """A batch that was held or failed is not suspect, however often."""
    batch = accept(envelope("a"))
    store = DeadlyStore(engine, "a", error)
    for _ in range(6):
        with suppress(RuntimeError):
            Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:in_hand") == 0
    store.deadly = None
    Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == {"a": "applied"}


def test_a_hold_of_a_single_envelope_is_no_death(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """A database that is down while a suspect batch is consumed does not count against any envelope."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 4)
    store = DeadlyStore(engine, "a", StoreAway)
    for _ in range(5):
        Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:alone") == 0
    store.deadly = None
    Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")


def test_a_hold_does_not_reset_other_workers_deaths(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """A flapping database must not save the envelope that kills: a hold resets the worker's own mark only."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 3)
    held = DeadlyStore(engine, "a", StoreAway)
    Consumer(ledger, held, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert consume_until_survival(redis_url, DeadlyStore(engine, "a"), batch) == 2
    assert outcomes(engine) == {"a": "dead", "b": "applied"}


def test_batches_in_flight_at_running_workers_are_no_deaths(
    redis_url: str, ledger: Ledger, engine: Engine, accept: Any
):
    """Repeated announcements at a slow worker count once, and only one worker at a time consumes a suspect batch."""
    batch = accept(*map(envelope, "ab"))
    for _ in range(9):
        assert ledger.take("dlr", [batch]).taken[0].deaths == 0
    die_over(redis_url, batch, 3)
    other = Ledger(redis_url)
    with claimed(other, batch):
        Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
        assert outcomes(engine) == {}
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")
    other.close()


def test_a_hanging_redis_counts_no_death(redis_url: str, engine: Engine, accept: Any, shared_valkey: Valkey):
    """A mark whose answer was lost may still be set, but it is the worker's own and counts only after its death."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 4)
    ledger = Ledger(redis_url, timeout_s=0.3)
    with claimed(ledger, batch) as claim:
        assert claim
        for _ in range(3):
            shared_valkey.send(signal.SIGSTOP)
            with pytest.raises(RedisError):
                claim.begin(1)
            shared_valkey.send(signal.SIGCONT)
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")
    ledger.close()

"""Isolating: deaths over a batch lead to the one envelope that kills, and innocent neighbours are all applied."""

import json
import signal
import sys
from contextlib import suppress
from typing import Any

import pytest
from redis.exceptions import RedisError
from sqlalchemy import Engine, select, text

from ledger.claims import claimed
from ledger.client import Ledger
from seven.records import Record
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Refused, Store, StoreAway
from store.schema import dead_letters, deliveries
from tests.factories.envelopes import envelope
from tests.servers import Valkey
from workers.consumer import Consumer


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
    """A ledger whose client dies with its process: from then on it says nothing more."""

    def run(self, *told: Any) -> Any:
        return None if isinstance(sys.exc_info()[1], Death) else super().run(*told)


def die_over(redis_url: str, batch: str, times: int) -> None:
    """Workers take a batch in hand and are killed."""
    for _ in range(times):
        ledger = Ledger(redis_url)
        ledger.take("dlr", [batch])
        ledger.close()


def outcomes(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.id: row.outcome for row in connection.execute(select(deliveries.c.id, deliveries.c.outcome))}


def consume_until_it_lives(redis_url: str, store: DeadlyStore, batch: str) -> int:
    """Start a worker on the batch again and again, as a supervisor would; returns how many died."""
    for deaths in range(20):
        ledger = MortalLedger(redis_url)
        try:
            Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
        except Death:
            ledger.redis.delete(f"seven:isolating:{batch}")  # it expires
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
    assert ledger.redis.keys("seven:in_hand") == ledger.redis.keys("seven:alone") == []
    assert ledger.redis.hlen("seven:batches") == 0
    with engine.connect().execution_options(reads=True) as connection:
        ((reason, text),) = connection.execute(select(dead_letters.c.reason, dead_letters.c.envelope))
    assert reason == "2 workers died with it alone in hand"
    assert text.startswith("base64:")


def test_an_innocent_batch_is_applied_whole(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """Killed over and over from outside: nothing is buried, however often."""
    batch = accept(*map(envelope, "abcd"))
    die_over(redis_url, batch, 9)
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("abcd", "applied")
    assert ledger.redis.keys("seven:in_hand") == ledger.redis.keys("seven:alone") == []


def test_one_death_alone_proves_nothing(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """An envelope that was alone in hand at a single death is applied the next time."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 4)
    dead = Ledger(redis_url)
    with claimed(dead, batch) as claim:
        assert claim
        claim.begin(1)
    dead.close()
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
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
            Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:in_hand") == 0
    store.deadly = None
    Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == {"a": "applied"}


def test_a_hold_while_alone_is_no_death(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """Nor does a database that is away while suspects are consumed make anybody guilty."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 4)
    store = DeadlyStore(engine, "a", StoreAway)
    for _ in range(5):
        Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert ledger.redis.hlen("seven:alone") == 0
    store.deadly = None
    Consumer(ledger, store, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert outcomes(engine) == dict.fromkeys("ab", "applied")


def test_a_hold_forgets_nobody_elses_death(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """A database that flaps must not save the one that kills: what a worker lets go of is only its own hand."""
    batch = accept(*map(envelope, "ab"))
    die_over(redis_url, batch, 3)
    held = DeadlyStore(engine, "a", StoreAway)
    Consumer(ledger, held, CircuitBreaker(0.0)).consume("dlr", [batch])
    assert consume_until_it_lives(redis_url, DeadlyStore(engine, "a"), batch) == 2
    assert outcomes(engine) == {"a": "dead", "b": "applied"}


def test_copies_in_living_hands_are_no_deaths(redis_url: str, ledger: Ledger, engine: Engine, accept: Any):
    """The same worker, and a batch announced again and again while it is slow: it is one hand; and of those who isolate
    one batch only one does."""
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


def test_a_redis_that_hangs_kills_nobody(redis_url: str, engine: Engine, accept: Any, shared_valkey: Valkey):
    """A mark whose answer never came may still be made: it is our own, and speaks against nobody while we live."""
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


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"v":1,"id":"deep","payload":' + b'{"a":' * 400 + b"1" + b"}" * 401, id="too deep to read"),
        pytest.param(json.dumps({"v": 1, "id": "\u4e2d" * 1900}).encode(), id="an id too long for any index"),
    ],
)
def test_what_no_receiver_writes_holds_nobody_up(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any, line: bytes
):
    """It is a dead letter, and its neighbours, of its batch and of others, are applied."""
    batches = [accept(envelope("a"), line, envelope("b")), accept(envelope("c"))]
    consumer.consume("dlr", batches)
    assert sorted(outcomes(engine).values()) == ["applied"] * 3 + ["dead"]
    assert ledger.redis.hlen("seven:batches") == 0


def test_a_batch_that_fails_holds_up_no_other(ledger: Ledger, engine: Engine, accept: Any):
    """Something is refused even as a dead letter: that batch waits, is told of, and all others are applied."""
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        if schema:
            connection.execute(text(f"ALTER TABLE {schema}deliveries ADD CHECK (id <> 'never')"))
        else:
            connection.execute(
                text(
                    "CREATE TRIGGER never BEFORE INSERT ON deliveries WHEN new.id = 'never' "
                    "BEGIN SELECT RAISE(ABORT, 'CHECK'); END"
                )
            )
    batches = [accept(envelope("a")), accept(envelope("never")), accept(envelope("b"))]
    with pytest.raises(Refused):
        Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", batches)
    assert outcomes(engine) == dict.fromkeys("ab", "applied")
    assert [one.decode() for one in ledger.redis.hkeys("seven:batches")] == [batches[1]]
    assert ledger.redis.hlen("seven:in_hand") == 0


def test_a_full_redis_hinders_no_consuming(ledger: Ledger, engine: Engine, accept: Any):
    """Counting starts needs memory; without any, batches are consumed and settled all the same, and make room."""
    batch = accept(*map(envelope, "ab"))
    limit = ledger.redis.config_get("maxmemory")["maxmemory"]
    ledger.redis.config_set("maxmemory", 1)
    try:
        Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
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

"""Damaged and foreign content of the ledger: it does not hold up other deliveries, and nothing readable is lost."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from ledger.client import Ledger
from store.circuit_breaker import CircuitBreaker
from store.row_writer import Refused, Store
from store.schema import deliveries
from tests.factories.envelopes import envelope
from tests.workers.dying_workers import outcomes
from workers.consumer import Consumer


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"v":1,"id":"deep","payload":' + b'{"a":' * 400 + b"1" + b"}" * 401, id="too deep to read"),
        pytest.param(json.dumps({"v": 1, "id": "\u4e2d" * 1900}).encode(), id="an id too long for any index"),
    ],
)
def test_foreign_envelopes_do_not_hold_up_others(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any, line: bytes
):
    """An envelope that no receiver writes is a dead letter; all others, of its batch and of others, are applied."""
    batches = [accept(envelope("a"), line, envelope("b")), accept(envelope("c"))]
    consumer.consume("dlr", batches)
    assert sorted(outcomes(engine).values()) == ["applied"] * 3 + ["dead"]
    assert ledger.redis.hlen("seven:batches") == 0


def test_a_failing_batch_does_not_hold_up_others(ledger: Ledger, engine: Engine, accept: Any):
    """A batch that is refused even as a dead letter stays pending and raises; all others are applied."""
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
    assert [batch_id.decode() for batch_id in ledger.redis.hkeys("seven:batches")] == [batches[1]]
    assert ledger.redis.hlen("seven:in_hand") == 0


def test_a_full_redis_does_not_stop_consumers(ledger: Ledger, engine: Engine, accept: Any):
    """Without memory to count workers in flight, batches are consumed and settled all the same, which makes room."""
    batch = accept(*map(envelope, "ab"))
    limit = ledger.redis.config_get("maxmemory")["maxmemory"]
    ledger.redis.config_set("maxmemory", 1)
    try:
        Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    finally:
        ledger.redis.config_set("maxmemory", limit)
    assert outcomes(engine) == dict.fromkeys("ab", "applied")
    assert ledger.redis.hlen("seven:batches") == 0


def test_the_readable_part_of_a_truncated_batch_is_kept(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any
):
    """Complete envelopes are applied, the cut one is a dead letter; the audit reports missing ones as a loss."""
    batch = accept(*map(envelope, "abcd"))
    stored = ledger.redis.hget("seven:batches", batch)
    ledger.redis.hset("seven:batches", batch, stored[: stored.index(b'"id":"c"') + 20])
    consumer.consume("dlr", [batch])
    assert outcomes(engine) == {"a": "applied", "b": "applied", "c": "dead"}
    with engine.connect().execution_options(reads=True) as connection:
        assert sorted(connection.execute(select(deliveries.c.ordinal)).scalars()) == [1, 2, 3]


def test_a_pending_batch_without_envelopes_is_dropped(consumer: Consumer, ledger: Ledger, accept: Any):
    """It is not announced again; the audit knows its ordinals."""
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
    """The id from the receiver's answer is kept, whatever the outcome of the delivery."""
    batch = accept(line)
    consumer.consume("dlr", [batch])
    assert set(outcomes(engine)) == {kept or f"{batch}-1"}

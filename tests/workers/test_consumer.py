"""The consumer: announced batches become rows in both databases, whatever they contain."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from ledger.client import Ledger
from seven.envelope import Envelope
from seven.events import EVENT_TYPES, QUEUES, queue_of
from seven.key_presses import masked_keys
from store.circuit_breaker import CircuitBreaker
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from store.schema import calls, dead_letters, deliveries, message_statuses, messages
from tests.factories.envelopes import NOW, envelope
from workers.consumer import Consumer
from workers.sweep import Sweep


def rows(engine: Engine, *columns: Any) -> list[tuple[Any, ...]]:
    with engine.connect().execution_options(reads=True) as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def pending(ledger: Ledger) -> int:
    return sum(queue.pending for queue in ledger.figures(QUEUES).queues.values())


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_becomes_rows(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any, event_type: str
):
    """A delivery of each type is archived as applied, with its record, and settled in the ledger."""
    event = EVENT_TYPES[event_type]
    words = {"data": dict(event.example), "webhook_event": event_type, "webhook_timestamp": "2022-07-27T07:38:18+02:00"}
    consumer.consume(event_type, [accept(envelope("one", event_type, words), queue=event_type)])
    (row,) = rows(engine, *deliveries.c)
    kept = dict(zip(deliveries.c.keys(), row, strict=True))
    assert (kept["outcome"], kept["event_type"], kept["queue"], kept["ordinal"]) == (
        "applied",
        event_type,
        event_type,
        1,
    )
    assert kept["subject"]
    assert json.loads(kept["payload"]) == masked_keys(words, event_type)
    parsed = event.parse(event.example, NOW, NOW)
    for record in parsed.project():
        with engine.connect() as connection:
            schema = "seven." if engine.dialect.name == "postgresql" else ""
            assert connection.execute(text(f"SELECT count(*) FROM {schema}{record.table}")).scalar() == 1
    assert pending(ledger) == 0


def test_one_bad_envelope_never_fails_its_batch(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any):
    """Garbage becomes a dead letter, an invalid payload is parked, and the others are applied, in one transaction."""
    batch = accept(
        envelope("good"),
        b"garbage",
        envelope("misfit", status=None),
        envelope("raw", payload=b"\x00\xff"),
        b'{"id":"other-version","v":9,"new":true}',
        envelope("also good", status="DELIVERED"),
    )
    consumer.consume("dlr", [batch])
    outcomes = {
        row[1]: (row[0], row[2]) for row in rows(engine, deliveries.c.ordinal, deliveries.c.id, deliveries.c.outcome)
    }
    assert outcomes == {
        "good": (1, "applied"),
        f"{batch}-2": (2, "dead"),
        "misfit": (3, "parked"),
        "raw": (4, "parked"),
        "other-version": (5, "parked"),
        "also good": (6, "applied"),
    }
    ((letter, reason, held),) = rows(engine, dead_letters.c.id, dead_letters.c.reason, dead_letters.c.envelope)
    assert (letter, held) == (f"{batch}-2", "base64:Z2FyYmFnZQ==")
    assert "not an envelope" in reason
    assert rows(engine, messages.c.status) == [("DELIVERED",)]
    assert pending(ledger) == 0


def test_only_the_rows_that_the_database_refuses_are_buried(ledger: Ledger, engine: Engine, accept: Any):
    """A delivery that violates a constraint becomes a dead letter; the others are applied."""
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TABLE message_statuses"))
            connection.execute(
                text(
                    "CREATE TABLE message_statuses (msg_id TEXT, status TEXT CHECK (status <> 'ODD'), at TEXT, "
                    "undated BOOLEAN, PRIMARY KEY (msg_id, status, at))"
                )
            )
        else:
            connection.execute(text(f"ALTER TABLE {schema}message_statuses ADD CHECK (status <> 'ODD')"))
    batch = accept(envelope("good"), envelope("bad", status="ODD"), envelope("better", status="DELIVERED"))
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch])
    assert rows(engine, deliveries.c.id, deliveries.c.outcome) == [
        ("bad", "dead"),
        ("better", "applied"),
        ("good", "applied"),
    ]
    ((name, attempts, reason),) = rows(engine, dead_letters.c.id, dead_letters.c.attempts, dead_letters.c.reason)
    assert (name, attempts) == ("bad", 1)
    assert "refused by the database" in reason
    assert "ODD" not in reason
    assert pending(ledger) == 0


def test_an_unreadable_batch_is_buried_whole(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any):
    """Content of the ledger that is not a batch is kept as a dead letter, and does not hold up the others."""
    good = accept(envelope("good"))
    ledger.redis.hset("seven:batches", "odd", b"\x00odd")
    consumer.consume("dlr", ["odd", good])
    assert rows(engine, dead_letters.c.id, dead_letters.c.envelope) == [("odd", "base64:AG9kZA==")]
    assert rows(engine, messages.c.msg_id) == [("7",)]
    assert ledger.redis.hlen("seven:batches") == 0


def test_texts_that_postgresql_refuses_are_kept(consumer: Consumer, engine: Engine, accept: Any):
    """NUL and lone surrogates are visible escapes in the archive and U+FFFD in the record."""
    words = {
        "webhook_event": "sms_mo",
        "data": {"id": "1", "sender": "a\x00b", "text": "\ud800 \U0001f600", "x\x00": "NaN"},
    }
    consumer.consume("sms_mo", [accept(envelope("one", "sms_mo", words), queue="sms_mo")])
    ((payload, outcome),) = rows(engine, deliveries.c.payload, deliveries.c.outcome)
    assert outcome == "applied"
    assert payload.isascii()
    assert json.loads(payload) == words
    with engine.connect() as connection:
        schema = "seven." if engine.dialect.name == "postgresql" else ""
        row = connection.execute(text(f"SELECT sender, text FROM {schema}inbound_messages")).one()
    assert tuple(row) == ("a\ufffdb", "\ufffd \U0001f600")


@pytest.mark.parametrize("name", ["mms", "fax", "sms-mo", "x\x00\ud800", None])
def test_unknown_event_types_are_parked(consumer: Consumer, engine: Engine, accept: Any, name: str | None):
    """An unknown or missing event type is parked under its name, whatever its characters."""
    words = {"webhook_event": name, "data": {"a": 1}} if name else {"a": 1}
    assert queue_of(name) == "parked"
    consumer.consume("parked", [accept(Envelope("one", name, NOW, "JSON", words), queue="parked")])
    ((kept, outcome, queue),) = rows(engine, deliveries.c.event_type, deliveries.c.outcome, deliveries.c.queue)
    assert (outcome, queue) == ("parked", "parked")
    assert kept == (name.replace("\x00", "\ufffd").replace("\ud800", "\ufffd") if name else None)


def test_consuming_twice_changes_nothing(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any):
    """A batch that is consumed again, after a kill between commit and settle, leaves the same rows."""
    batch = accept(envelope("one"), envelope("two", status="DELIVERED"), b"garbage")
    stored = ledger.redis.hget("seven:batches", batch)
    consumer.consume("dlr", [batch])
    before = [rows(engine, *table.c) for table in (deliveries, messages, message_statuses)]
    ledger.redis.hset("seven:batches", batch, stored)
    consumer.consume("dlr", [batch])
    assert [rows(engine, *table.c) for table in (deliveries, messages, message_statuses)] == before
    assert rows(engine, dead_letters.c.attempts) == [(1,)]


def test_batches_wait_for_a_database_that_is_down(ledger: Ledger, empty_database: str, accept: Any):
    """While the tables are missing the batch stays pending without a dead letter; afterwards it is applied."""
    engine = create_store_engine(empty_database)
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(0.0))
    batch = accept(envelope("one"))
    consumer.consume("dlr", [batch])
    assert pending(ledger) == 1
    migrate(engine)
    consumer.consume("dlr", [batch])
    assert pending(ledger) == 0
    assert rows(engine, deliveries.c.outcome) == [("applied",)]
    assert rows(engine, dead_letters.c.id) == []
    engine.dispose()


def test_the_sweep_announces_overdue_batches(ledger: Ledger, accept: Any):
    """Each pending batch of each queue is announced again, within the limit, once in a period, and if workers keep up."""
    names = [accept(envelope("one")) for _ in range(40)]
    accept(Envelope("two", "mms", NOW, "JSON", {}), queue="parked")
    announced: list[tuple[str, list[str]]] = []
    sweep = Sweep(ledger, lambda queue, ids: announced.append((queue, list(ids))), overdue_s=0, at_most=35)
    ledger.redis.lpush("dlr", *range(3))  # more announcements than one pass makes
    assert sweep.run() == 1
    ledger.redis.ltrim("dlr", 0, 1)
    assert sweep.run() == 36
    assert [batch_id for queue, ids in announced if queue == "dlr" for batch_id in ids] == names[:35]
    patient = Sweep(ledger, lambda queue, ids: announced.append((queue, list(ids))), overdue_s=30, at_most=35)
    assert patient.run() == 0


def test_prices_are_exact(consumer: Consumer, engine: Engine, accept: Any):
    """Both databases return a price exactly as it was sent."""
    for name, price in (("1", "0.1"), ("2", 0.075), ("3", "1234567.12345678"), ("4", 10)):
        words = {"webhook_event": "voice_status", "data": {"id": name, "status": "completed", "total_price": price}}
        consumer.consume("voice_status", [accept(envelope(name, "voice_status", words), queue="voice_status")])
    assert [str(row[1]) for row in rows(engine, calls.c.call_id, calls.c.total_price)] == [
        "0.1",
        "0.075",
        "1234567.12345678",
        "10",
    ]


def test_the_breaker_spares_a_database_that_is_down(ledger: Ledger, empty_database: str, accept: Any):
    """After a failure nothing is consumed until the next probe is due."""
    engine = create_store_engine(empty_database)
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(3600.0))
    batch = accept(envelope("one"))
    consumer.consume("dlr", [batch])
    migrate(engine)
    consumer.consume("dlr", [batch])
    assert pending(ledger) == 1
    engine.dispose()


def test_dead_deliveries_have_no_time_of_application(ledger: Ledger, engine: Engine, accept: Any):
    """`applied_at` is empty for a dead letter, and for a batch whose header exceeds the columns' range."""
    batch = accept(b"garbage")
    ledger.redis.hset(
        "seven:batches", "huge", b'{"queue":"dlr","life":"l","first":9223372036854775807,"count":1,"accepted_ms":1}\n{}'
    )
    Consumer(ledger, Store(engine), CircuitBreaker(0.0)).consume("dlr", [batch, "huge"])
    assert rows(engine, deliveries.c.outcome, deliveries.c.applied_at) == [("dead", None), ("dead", None)]

"""Opt-outs in a worker: an inbound STOP becomes a row, also beside a backlog; rebuild and retention leave it alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, select, update

from ledger.batch import Header, NewBatch
from ledger.client import Ledger
from ledger.writer import LedgerWriter
from operations.refold import refold
from seven.aggregates import aggregates
from seven.envelope import Envelope
from seven.forgotten_numbers import ErasureKey
from seven.opt_out_words_file import built_in_words
from seven.opt_outs import opt_out_records
from seven.records import InboundMessage
from store.circuit_breaker import CircuitBreaker
from store.forgotten import ForgottenRegister, remember
from store.projection_options import ProjectionOptions
from store.row_writer import Store
from store.schema import deliveries, inbound_messages, opt_out_events, opt_outs
from tests.factories.aged_rows import DAY, keep_days, retain
from tests.factories.aged_rows import NOW as NOW_OF_RETENTION
from tests.factories.envelopes import NOW, Accept, envelope
from tests.servers import PATIENCE_S
from tests.workers.dying_workers import die_over
from workers.consumer import Consumer
from workers.metrics import WorkerMetrics
from workers.urgent_queues import UrgentQueues

OPTIONS = ProjectionOptions(opt_out_words=built_in_words())
NUMBER, OURS = "4915123456789", "4915199999999"


@pytest.fixture
def consumer(ledger: Ledger, engine: Engine) -> Consumer:
    return Consumer(ledger, Store(engine), CircuitBreaker(), options=OPTIONS)


def sms(name: str, text: str, **data: Any) -> Envelope:
    """One inbound SMS as the gateway sends it."""
    fields = {"id": name, "sender": f"+{NUMBER}", "system": OURS, "text": text, "time": "1777600000"} | data
    return Envelope(name, "sms_mo", NOW, "JSON", {"webhook_event": "sms_mo", "data": fields})


def standings(engine: Engine) -> list[Any]:
    with engine.connect().execution_options(reads=True) as connection:
        columns = (opt_outs.c.number, opt_outs.c.recipient, opt_outs.c.channel, opt_outs.c.state, opt_outs.c.word)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(*opt_outs.primary_key))]


def test_stop_opts_out_and_start_in(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """By number, recipient and channel; who is no phone number has no opt-out."""
    consumer.consume("sms_mo", [accept(sms("1", "Stopp!"), sms("2", "hello"), queue="sms_mo")])
    assert standings(engine) == [(NUMBER, OURS, "sms", "out", "stopp")]
    consumer.consume("sms_mo", [accept(sms("3", "START", time="1777600001"), queue="sms_mo")])
    consumer.consume(
        "sms_mo", [accept(sms("4", "STOP", sender="SMS"), sms("5", "STOP", sender="36111"), queue="sms_mo")]
    )
    assert standings(engine) == [(NUMBER, OURS, "sms", "in", "start")]


def test_what_was_written_to_an_agent_is_of_this_agent(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """An RCS message has no recipient but its agent; by which `check --recipient` asks."""
    fields = {
        "id": "1",
        "sender": NUMBER,
        "agent_id": "bakery",
        "message_type": "RCS",
        "text": "STOP",
        "time": 1777600000,
    }
    stop = Envelope("1", "rcs", NOW, "JSON", {"webhook_event": "rcs", "data": fields})
    consumer.consume("rcs", [accept(stop, queue="rcs")])
    assert standings(engine) == [(NUMBER, "bakery", "rcs", "out", "stop")]


@pytest.mark.parametrize("deaths", [pytest.param(0, id="at first"), pytest.param(3, id="one at a time")])
def test_each_is_counted(redis_url: str, engine: Engine, ledger: Ledger, accept: Accept, deaths: int) -> None:
    """Also where a batch is consumed one delivery at a time, since workers died over it; by state."""
    registry = CollectorRegistry()
    counting = Consumer(ledger, Store(engine), CircuitBreaker(), WorkerMetrics(registry), options=OPTIONS)
    batch = accept(sms("1", "STOP"), sms("2", "hello"), sms("3", "START", time="1777600001"), queue="sms_mo")
    die_over(redis_url, batch, deaths, queue="sms_mo")
    counting.consume("sms_mo", [batch])
    counts = [registry.get_sample_value("seven_opt_outs_total", {"state": state}) for state in ("out", "in")]
    assert counts == [1, 1]


def test_two_stops_of_which_one_names_no_recipient(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """Each has a row of its own; without a recipient it is that of all."""
    consumer.consume("sms_mo", [accept(sms("1", "STOP"), sms("2", "STOP", system=None), queue="sms_mo")])
    assert [(recipient, state) for _, recipient, _, state, _ in standings(engine)] == [("", "out"), (OURS, "out")]


def test_without_a_time_of_its_own(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """An SMS without a time opts out, and never back in: the entry is history alone."""
    consumer.consume("sms_mo", [accept(sms("1", "STOP", time=None), queue="sms_mo")])
    consumer.consume("sms_mo", [accept(sms("2", "START", time=None), queue="sms_mo")])
    assert [row[3] for row in standings(engine)] == ["out"]
    with engine.connect() as connection:
        assert len(connection.execute(select(opt_out_events)).all()) == 2


def test_a_suspect_batch_opts_out_too(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Accept) -> None:
    """One envelope at a time, after workers died over the batch."""
    batch = accept(sms("1", "STOP"), queue="sms_mo")
    for worker in ("a", "b", "c"):
        ledger.worker_id = worker
        ledger.take("sms_mo", [batch])
    ledger.worker_id = "d"
    consumer.consume("sms_mo", [batch])
    assert [row[3] for row in standings(engine)] == ["out"]


def test_rebuild_neither_makes_nor_removes_opt_outs(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """They belong to no aggregate: a rebuild compares without them, and one made by hand stays as well."""
    consumer.consume("sms_mo", [accept(sms("1", "STOP"), queue="sms_mo")])
    before = standings(engine)
    (inbound,) = [each for each in aggregates() if each.name == "inbound_messages"]
    assert opt_outs.name not in {record.table for each in aggregates() for record in each.records}
    with engine.begin() as connection:
        assert refold(connection, inbound, ["1"]).changes == []
        connection.execute(update(inbound_messages).values(text="other"))
    with engine.begin() as connection:
        assert [change.table for change in refold(connection, inbound, ["1"]).changes] == ["inbound_messages"]
    assert standings(engine) == before


def test_retention_keeps_opt_outs(ledger: Ledger, engine: Engine) -> None:
    """However short everything is kept: the message goes, who opted out by it stays so, with the history."""
    at = NOW_OF_RETENTION - 5000 * DAY
    message = InboundMessage("1", NUMBER, OURS, "STOP", at, channel="sms")
    assert OPTIONS.opt_out_words
    Store(engine).write([message, *opt_out_records(message, OPTIONS.opt_out_words, 49)])
    with engine.begin() as connection:
        connection.execute(update(inbound_messages).values(changed_at=at))
        connection.execute(update(opt_outs).values(changed_at=at))
    shortest = dict.fromkeys(
        ("payloads", "unapplied", "deliveries", "histories", "texts", "inbound_messages", "calls", "messages", "links"),
        7,
    )
    result = retain(ledger, engine, keep_days(**shortest))
    assert result.removed["inbound_messages"] == 1
    assert [row[3] for row in standings(engine)] == ["out"]
    with engine.connect() as connection:
        assert len(connection.execute(select(opt_out_events)).all()) == 1


def test_an_urgent_batch_needs_no_announcement(
    consumer: Consumer, ledger: Ledger, engine: Engine, accept: Accept
) -> None:
    """What waits at two looks is written by the thread of its own; other queues are left to Celery.

    It stays in the ledger: whoever gets its announcement settles it, and nothing is counted twice.
    """
    stop, report = accept(sms("1", "STOP"), queue="sms_mo"), accept(envelope("dlr"), queue="dlr")
    urgent = UrgentQueues(ledger, partial(consumer.consume, early=True))
    urgent.look()
    assert standings(engine) == []
    urgent.look()
    assert [row[3] for row in standings(engine)] == ["out"]
    assert ledger.existing([stop, report]) == [stop, report]
    assert ledger.redis.hlen("seven:in_hand") == 0
    consumer.consume("sms_mo", [stop])
    assert ledger.existing([stop, report]) == [report]
    with engine.connect() as connection:
        assert len(connection.execute(select(opt_out_events)).all()) == 1


def test_an_urgent_batch_may_be_resent(ledger: Ledger, redis_url: str, consumer: Consumer, engine: Engine) -> None:
    """Its receiver lost the answer, and repeats it by its id: it gets the same ordinals, so none is missing."""
    batch = NewBatch("a-batch", "sms_mo", [sms("1", "STOP").line()], frozenset())
    urgent = UrgentQueues(ledger, partial(consumer.consume, early=True))

    async def write() -> Header:
        async with LedgerWriter(redis_url, PATIENCE_S) as writer:
            (answer,) = await writer.accept([batch])
            assert isinstance(answer, Header)
            return answer

    first = asyncio.run(write())
    urgent.look()
    urgent.look()
    assert [row[3] for row in standings(engine)] == ["out"]
    assert asyncio.run(write()) == first
    consumer.consume("sms_mo", [batch.id])
    with engine.connect() as connection:
        assert connection.execute(select(deliveries.c.ordinal)).scalars().all() == [first.first]
    assert ledger.figures(["sms_mo"]).queues["sms_mo"].last_ordinal == first.first


def test_what_another_worker_has_is_left_to_it(ledger: Ledger, accept: Accept) -> None:
    """A batch in flight is not consumed here, and stays as announced as it was: the sweep finds it as ever."""
    consumed: list[Any] = []
    urgent = UrgentQueues(ledger, lambda queue, ids: consumed.append((queue, *ids)))
    batch = accept(sms("1", "STOP"), queue="sms_mo")
    before = ledger.redis.zrange("seven:announced:sms_mo", 0, -1, withscores=True)
    ledger.take("sms_mo", [batch])
    urgent.look()
    urgent.look()
    assert consumed == []
    ledger.release([batch])
    urgent.look()
    assert consumed == [("sms_mo", batch)]
    assert ledger.redis.zrange("seven:announced:sms_mo", 0, -1, withscores=True) == before


def test_a_batch_that_fails_is_not_tried_in_a_loop(ledger: Ledger, accept: Accept) -> None:
    """Once, and then no sooner than the sweep would announce it; those behind it are consumed."""
    tried: list[str] = []

    def consume(_queue: str, ids: Any) -> None:
        tried.extend(ids)
        raise RuntimeError

    urgent = UrgentQueues(ledger, consume)
    first = accept(sms("1", "STOP"), queue="sms_mo")
    for _ in range(5):
        urgent.look()
    second = accept(sms("2", "STOP"), queue="sms_mo")
    urgent.look()
    urgent.look()
    assert tried == [first, second]


def test_since_is_when_it_was_sent(consumer: Consumer, engine: Engine, accept: Accept) -> None:
    """Not when it came: a delivery may be late by days."""
    consumer.consume("sms_mo", [accept(sms("1", "STOP"), queue="sms_mo")])
    with engine.connect() as connection:
        assert connection.execute(select(opt_outs.c.since)).scalar_one() == datetime.fromtimestamp(1777600000, UTC)


@pytest.mark.parametrize("sender", ["+4915123456789", "+49\u2011151\u202f23456789", "0151 23456789"])
def test_a_forgotten_number_opts_out_under_its_hash(
    ledger: Ledger, engine: Engine, accept: Accept, sender: str
) -> None:
    """However it is written, and though the message is of today."""
    key = ErasureKey("a-key-that-only-tests-know")
    with engine.begin() as connection:
        remember(connection, key, NUMBER)
    consumer = Consumer(ledger, Store(engine, ForgottenRegister(key)), CircuitBreaker(), options=OPTIONS)
    now = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp())
    consumer.consume("sms_mo", [accept(sms("1", "STOP", sender=sender, time=now), queue="sms_mo")])
    assert standings(engine) == [(key.hash(NUMBER), OURS, "sms", "out", "stop")]

"""Erasure while batches are pending, workers consume, data keeps arriving and the operator interrupts."""

import random
import re
import threading
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from seven.archive_records import ArchivedDelivery
from seven.data_subject import DataSubject, foreign_id
from seven.records import InboundMessage
from store.record_rows import RowKey
from store.row_writer import Store
from store.schema import tables
from tests.factories.archive import put, rows
from tests.factories.dead_letters import stored
from tests.factories.envelopes import NOW
from tests.factories.traces import NUMBER, OTHERS, THEIRS, all_text, event_envelope, traces
from tests.operations.erasures import erased
from workers.consumer import Consumer

PSEUDONYM = "forgotten-[0-9a-f]{32}"


def test_pending_batches_are_reported_and_not_changed(
    engine: Engine, ledger: Ledger, accept: Any, two_people: dict[RowKey, Any]
):
    """Without a worker, pending deliveries about the person or their records are reported as left."""
    theirs = [
        accept(*traces(THEIRS, "e")["sms_mo"], queue="sms_mo"),
        accept(
            event_envelope("voice_status", "v9", id="4a", status="failed", timestamp=1777600009), queue="voice_status"
        ),
    ]
    accept(*traces(OTHERS, "f")["sms_mo"], queue="sms_mo")
    kept = ledger.redis.hgetall("seven:batches")
    erasure = erased(engine, ledger)
    assert erasure.left is not None
    assert (sorted(erasure.left.batches), erasure.left.waiting) == (sorted(theirs), 5)
    assert ledger.redis.hgetall("seven:batches") == kept
    assert not NUMBER.is_in(all_text(engine))


def test_a_worker_consumes_during_an_erasure(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, two_people: dict[RowKey, Any]
):
    """Waits for pending batches and blanks their rows, also where joins have filled blank columns again."""
    again = accept(*traces(THEIRS, "a")["sms_mo"], queue="sms_mo")
    consumed = threading.Event()

    def work(_: float) -> None:
        if not consumed.is_set():
            consumed.set()
            consumer.consume("sms_mo", [again])

    assert erased(engine, ledger, wait_s=30, pause=work).left is None
    assert consumed.is_set()
    assert not NUMBER.is_in(all_text(engine))


def test_waiting_does_not_fetch_batches(engine: Engine, ledger: Ledger, accept: Any):
    """Twice a second an erasure checks which batches are still pending, without fetching them."""
    for _ in range(5):
        accept(
            *traces(THEIRS, "a")["sms_mo"],
            b'{"id":"x","padding":"%s"}' % random.Random(7).randbytes(50_000).hex().encode(),
            queue="sms_mo",
        )
    sent: list[int] = []

    def count_output(_: float) -> None:
        sent.append(int(ledger.redis.info("stats")["total_net_output_bytes"]))

    ticks = iter(range(100))
    erasure = erased(engine, ledger, wait_s=10, pause=count_output, clock=lambda: next(ticks))
    assert erasure.left is not None
    assert (len(erasure.left.batches), len(sent) > 5) == (5, True)
    assert max(after - before for before, after in pairwise(sent)) < 50_000


def test_a_batch_written_but_not_settled_is_waited_for(engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any):
    """An erasure is not complete while a batch that is already rows may be consumed once more."""
    batch = accept(*traces(THEIRS, "a")["sms_mo"], queue="sms_mo")
    lies = ledger.redis.hget("seven:batches", batch)
    consumer.consume("sms_mo", [batch])
    ledger.redis.hset("seven:batches", batch, lies)
    ledger.redis.zadd("seven:pending:sms_mo", {batch: 1})
    assert erased(engine, ledger).left is not None
    consumer.consume("sms_mo", [batch])
    assert NUMBER.is_in(all_text(engine))
    assert erased(engine, ledger).left is None
    assert not NUMBER.is_in(all_text(engine))


@pytest.mark.parametrize("lost", [0, 30], ids=["of a newer version", "damaged"])
def test_unreadable_packed_batches_are_searched(engine: Engine, ledger: Ledger, consumer: Consumer, lost: int):
    """Searches what unpacks of them, pending or as a dead letter; the person's are blanked as a whole."""
    for name, number in (("batch-a", THEIRS), ("batch-b", OTHERS)):
        packed = stored(*(f"{n}: sender={number}".encode() for n in range(20)), packed=True)
        ledger.redis.hset("seven:batches", name, packed.replace(b"first", b"later")[: len(packed) - lost])
        ledger.redis.zadd("seven:pending:dlr", {name: 1})
    left = erased(engine, ledger).left
    assert left is not None
    assert (left.batches, left.waiting) == (["batch-a"], 1)
    consumer.consume("dlr", ["batch-a", "batch-b"])
    assert erased(engine, ledger).left is None
    kept = {row.id: row.payload is not None for row in rows(engine).values() if isinstance(row, ArchivedDelivery)}
    assert kept == {"batch-a": False, "batch-b": True}


class Interrupted(Exception):  # noqa: N818 - no error: the operator interrupts
    pass


@pytest.mark.parametrize("person", [NUMBER, foreign_id(THEIRS)], ids=["number", "foreign id"])
def test_interrupted_at_any_moment_and_repeated(
    engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any], person: DataSubject, monkeypatch: pytest.MonkeyPatch
):
    """Interrupted after each transaction of one row and repeated, an erasure reaches the same rows."""
    monkeypatch.setattr("store.personal_data.KEYS_AT_ONCE", 1)

    def interrupt(_: float) -> None:
        raise Interrupted

    for _ in range(len(two_people)):
        try:
            erased(engine, ledger, person, pause=interrupt)
        except Interrupted:
            continue
        break
    by_steps = {re.sub(PSEUDONYM, "*", str(row)) for row in rows(engine).values()}
    with engine.begin() as connection:
        for table in reversed(tables(engine.dialect.name)):
            connection.execute(table.delete())
    for record in two_people.values():
        put(engine, record)
    erased(engine, ledger, person)
    assert {re.sub(PSEUDONYM, "*", str(row)) for row in rows(engine).values()} == by_steps


def test_an_erasure_gives_up_on_data_that_keeps_arriving(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """A row that is written again after each search is reported as left; the search is not repeated for ever."""
    again = InboundMessage("9", THEIRS, "4930123", "hello", NOW)
    put(engine, again)
    erasure = erased(engine, ledger, pause=lambda _: Store(engine).write([again]))
    assert erasure.left is not None
    assert erased(engine, ledger).left is None

"""Forgetting: nothing that names the person is left in any table, everything else is as it was, in both databases."""

import random
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, Text

from ledger.client import Ledger
from operations.audit import Auditor
from operations.erasure import Forgetting, Forgotten
from seven.data_subject import DataSubject, foreign_id, message_id
from seven.digest import is_short_digest
from seven.records import ArchivedDelivery, Call, InboundMessage, TrackedLink
from store.personal_data import FAILURES, LETTERS, PAYLOADS, RECORDS, SAID
from store.record_rows import Place
from store.row_writer import Store
from store.schema import metadata
from store.types import CodePointText
from tests.factories.archive import change_times, put, rows
from tests.factories.dead_letters import stored
from tests.factories.envelopes import NOW
from tests.factories.traces import LONG_AGO, NUMBER, OTHERS, SPELLINGS, THEIRS, all_text, arrive, told, traces
from workers.consumer import Consumer


@pytest.fixture
def both(consumer: Consumer, ledger: Ledger, engine: Engine, accept: Any) -> dict[Place, Any]:
    """Two persons have left their traces, and a batch nobody can read those of both; all of it long ago."""
    for number, tag in ((THEIRS, "a"), (OTHERS, "b")):
        arrive(consumer, accept, traces(number, tag))
    garbage = stored(f"sender={THEIRS}".encode(), f"sender={OTHERS}".encode()) + b"\nand one more"
    ledger.redis.hset("seven:batches", "batch-odd", garbage)
    ledger.redis.zadd("seven:pending:dlr", {"batch-odd": 1})
    consumer.consume("dlr", ["batch-odd"])
    for record in rows(engine).values():
        if record.tracks_changes:
            put(engine, record, changed_at=LONG_AGO)
    return dict(rows(engine))


def forgotten(engine: Engine, ledger: Ledger, sought: DataSubject = NUMBER, **how: Any) -> Forgotten:
    done = Forgotten()
    Forgetting(engine, ledger, sought).forget(done, **{"wait_s": 0, "pause": lambda _: None} | how)
    return done


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_number_is_in_no_table_any_more(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, both: dict[Place, Any], spelled: str
):
    """Whatever spelling it came in: no value holds it, no digest made of it is left; others' rows are as they were."""
    arrive(consumer, accept, traces(THEIRS, "c", spelled))
    before = rows(engine).values()
    payloads = [row for row in before if isinstance(row, ArchivedDelivery) and NUMBER.is_in_payload(row.payload)]
    records = [row for row in before if isinstance(row, (InboundMessage, Call)) and NUMBER.is_in(str(row))]
    made_of_it = {row.digest for row in payloads if row.digest} | {
        name for row in records for name in row.key if is_short_digest(name)
    }
    assert {len(one) for one in made_of_it} == {32, 64}
    assert forgotten(engine, ledger).left is None
    left = all_text(engine)
    assert not NUMBER.is_in(left)
    assert spelled not in left
    assert not [one for one in made_of_it if one in left]


def test_others_are_left_alone(engine: Engine, ledger: Ledger, both: dict[Place, Any]):
    """Each row that is another's stays to the letter; of theirs what counts stays, and its change is seen."""
    forgotten(engine, ledger)
    after, changed = rows(engine), change_times(engine)
    theirs = {where for where in both if after.get(where) != both[where]}
    told = "\n".join(str(both[where]) for where in theirs)
    assert NUMBER.is_in(told)
    assert all(OTHERS not in str(both[where]) for where in theirs)
    assert {where for where, at in changed.items() if at != LONG_AGO} == {one for one in theirs if one in changed}
    assert {where: row for where, row in both.items() if where not in theirs} == {
        where: after[where] for where in both if where not in theirs
    }
    call = after["calls", ("outbound", "4a")]
    assert call == replace(both["calls", ("outbound", "4a")], recipient=None)
    assert after["messages", ("7a",)] == replace(both["messages", ("7a",)], foreign_id=None)
    gone = {where[0] for where in both if where not in after}
    assert gone == {"inbound_messages", "calls", "links", "link_events"}


def test_the_audit_is_as_before(engine: Engine, ledger: Ledger, both: dict[Place, Any]):
    """No row of a delivery goes, and none changes its outcome."""
    before = Auditor(ledger, engine).audit()
    forgotten(engine, ledger)
    after = Auditor(ledger, engine).audit()
    assert [(one.queue, one.rows, one.missing) for one in after.series] == [
        (one.queue, one.rows, one.missing) for one in before.series
    ]
    assert (after.lost, after.unnumbered) == (before.lost, before.unnumbered)
    waiting = [row for row in rows(engine).values() if row.table == "dead_letters" and row.envelope is None]
    assert {one.id for one in waiting} == {"odda", "batch-odd"}


UNREAD = {("deliveries", (name,)) for name in ("rawa", "odda", "batch-odd")} | {
    ("dead_letters", (name,)) for name in ("odda", "batch-odd")
}


@pytest.mark.parametrize(
    ("sought", "also"),
    [
        pytest.param(foreign_id(THEIRS), UNREAD, id="foreign id, in bytes that nobody can read too"),
        pytest.param(message_id("7a"), set(), id="msg id"),
    ],
)
def test_a_message_by_its_id(
    engine: Engine, ledger: Ledger, both: dict[Place, Any], sought: DataSubject, also: set[Place]
):
    """Its foreign id, its links' labels and targets, and all payloads that told of it; its standing stays."""
    done = forgotten(engine, ledger, sought)
    assert done.left is None
    after = rows(engine)
    changed = {where for where in both if after.get(where) != both[where]}
    assert changed - also == {
        ("messages", ("7a",)), ("links", ("7a", "https://ul.gl/a")),
        *(("deliveries", (name,)) for name in ("d1a", "d2a", "t1a")),
    }  # fmt: skip
    assert after["messages", ("7a",)] == replace(both["messages", ("7a",)], foreign_id=None)
    link = both["links", ("7a", "https://ul.gl/a")]
    assert isinstance(link, TrackedLink)
    assert after["links", ("7a", "https://ul.gl/a")] == replace(link, label=None, final_url=None)
    assert {after["deliveries", (name,)].payload for name in ("d1a", "d2a", "t1a")} == {None}


def test_every_column_is_judged():
    """Of each text column somebody has decided whether it may name a person; a new one asks for that."""
    nobodys = {
        "deliveries": {"id", "queue", "subject", "request_method", "source", "outcome", "ledger"},
        "messages": {"msg_id", "status", "result"},
        "message_statuses": {"msg_id", "status"},
        "inbound_messages": {"id", "recipient", "message_type"},
        "calls": {"direction", "call_id", "status"},
        "call_statuses": {"direction", "call_id", "status"},
        "links": {"sms_id"},
        "link_events": {"sms_id", "tracking_url", "type"},
        "dead_letters": {"id"},
        "dead_letter_failures": {"id"},
        "ledger_marks": {"ledger", "queue"},
        "tallies": {"ledger", "queue", "fate"},
        "hook_changes": {"id", "action", "hook_id", "event_type", "request_method", "event_filter", "reason"},
    }
    personal = {one.table.name: {*one.columns, one.key} for one in (*RECORDS, PAYLOADS, LETTERS, FAILURES)}
    personal["deliveries"] |= set(SAID)
    for table in metadata.tables.values():
        texts = {column.name for column in table.c if isinstance(column.type, (Text, type(CodePointText)))}
        assert texts == nobodys[table.name] | (personal.get(table.name, set()) - {None}), table.name


def test_what_is_pending_is_told_and_not_touched(engine: Engine, ledger: Ledger, accept: Any, both: dict[Place, Any]):
    """Without a worker what the ledger holds of them is left, and said; what speaks of their records is found, too."""
    theirs = [
        accept(*traces(THEIRS, "e")["sms_mo"], queue="sms_mo"),
        accept(told("voice_status", "v9", id="4a", status="failed", timestamp=1777600009), queue="voice_status"),
    ]
    accept(*traces(OTHERS, "f")["sms_mo"], queue="sms_mo")
    kept = ledger.redis.hgetall("seven:batches")
    done = forgotten(engine, ledger)
    assert done.left is not None
    assert (sorted(done.left.batches), done.left.waiting) == (sorted(theirs), 5)
    assert ledger.redis.hgetall("seven:batches") == kept
    assert not NUMBER.is_in(all_text(engine))


def test_a_worker_consumes_meanwhile(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, both: dict[Place, Any]
):
    """What was pending is waited for, and blanked when it is rows: also where joins had filled again what was blank."""
    again = accept(*traces(THEIRS, "a")["sms_mo"], queue="sms_mo")
    consumed = threading.Event()

    def work(_: float) -> None:
        if not consumed.is_set():
            consumed.set()
            consumer.consume("sms_mo", [again])

    assert forgotten(engine, ledger, wait_s=30, pause=work).left is None
    assert consumed.is_set()
    assert not NUMBER.is_in(all_text(engine))


def test_what_is_waited_for_stays_where_it_is(engine: Engine, ledger: Ledger, accept: Any):
    """Twice a second it is asked whether batches are still there; they are not fetched for that."""
    for _ in range(5):
        accept(
            *traces(THEIRS, "a")["sms_mo"],
            b'{"id":"x","padding":"%s"}' % random.Random(7).randbytes(50_000).hex().encode(),
            queue="sms_mo",
        )
    sent: list[int] = []

    def glance(_: float) -> None:
        sent.append(int(ledger.redis.info("stats")["total_net_output_bytes"]))

    ticks = iter(range(100))
    done = forgotten(engine, ledger, wait_s=10, pause=glance, clock=lambda: next(ticks))
    assert done.left is not None
    assert (len(done.left.batches), len(sent) > 5) == (5, True)
    assert max(after - before for before, after in pairwise(sent)) < 50_000


def test_a_batch_killed_before_it_was_settled_is_looked_for(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any
):
    """Rows that were written, and whose batch will be consumed once more, are not done before it has been."""
    batch = accept(*traces(THEIRS, "a")["sms_mo"], queue="sms_mo")
    lies = ledger.redis.hget("seven:batches", batch)
    consumer.consume("sms_mo", [batch])
    ledger.redis.hset("seven:batches", batch, lies)
    ledger.redis.zadd("seven:pending:sms_mo", {batch: 1})
    assert forgotten(engine, ledger).left is not None
    consumer.consume("sms_mo", [batch])
    assert NUMBER.is_in(all_text(engine))
    assert forgotten(engine, ledger).left is None
    assert not NUMBER.is_in(all_text(engine))


@pytest.mark.parametrize("lost", [0, 30], ids=["of a newer version", "damaged"])
def test_packed_batches_that_were_none_are_looked_into(engine: Engine, ledger: Ledger, consumer: Consumer, lost: int):
    """While it is pending and when it is a letter: what can be unpacked of it is searched, and theirs goes whole."""
    for name, number in (("batch-a", THEIRS), ("batch-b", OTHERS)):
        packed = stored(*(f"{n}: sender={number}".encode() for n in range(20)), packed=True)
        ledger.redis.hset("seven:batches", name, packed.replace(b"first", b"later")[: len(packed) - lost])
        ledger.redis.zadd("seven:pending:dlr", {name: 1})
    left = forgotten(engine, ledger).left
    assert left is not None
    assert (left.batches, left.waiting) == (["batch-a"], 1)
    consumer.consume("dlr", ["batch-a", "batch-b"])
    assert forgotten(engine, ledger).left is None
    kept = {one.id: one.payload is not None for one in rows(engine).values() if isinstance(one, ArchivedDelivery)}
    assert kept == {"batch-a": False, "batch-b": True}


class Ended(Exception):  # noqa: N818 - what somebody wanted
    pass


@pytest.mark.parametrize("sought", [NUMBER, foreign_id(THEIRS)], ids=["number", "foreign id"])
def test_ended_at_any_moment_and_again(
    engine: Engine, ledger: Ledger, both: dict[Place, Any], sought: DataSubject, monkeypatch: pytest.MonkeyPatch
):
    """Ended after each transaction, one row in each, the same again comes to the same end."""
    monkeypatch.setattr("store.personal_data.KEYS_AT_ONCE", 1)

    def end(_: float) -> None:
        raise Ended

    for _ in range(len(both)):
        try:
            forgotten(engine, ledger, sought, pause=end)
        except Ended:
            continue
        break
    by_steps = rows(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    for record in both.values():
        put(engine, record)
    forgotten(engine, ledger, sought)
    assert rows(engine) == by_steps


def test_what_comes_again_and_again_ends(engine: Engine, ledger: Ledger, both: dict[Place, Any]):
    """Something that is written anew after each look is left in the end, and not looked for for ever."""
    again = InboundMessage("9", THEIRS, "4930123", "hello", NOW)
    put(engine, again)
    done = forgotten(engine, ledger, pause=lambda _: Store(engine).write([again]))
    assert done.left is not None
    assert forgotten(engine, ledger).left is None


def test_a_text_that_is_not_theirs(engine: Engine, ledger: Ledger):
    """Of another's SMS that mentions them the text goes, and its sender stays; its neighbours are not read for it."""
    put(engine, InboundMessage("1", OTHERS, "4930123", f"ask {THEIRS}", NOW), NOW - timedelta(days=1))
    put(engine, InboundMessage("2", OTHERS, "4930123", "ask them", NOW), NOW - timedelta(days=1))
    forgotten(engine, ledger)
    found = rows(engine)
    assert found["inbound_messages", ("1",)] == InboundMessage("1", OTHERS, "4930123", None, NOW)
    assert found["inbound_messages", ("2",)] == InboundMessage("2", OTHERS, "4930123", "ask them", NOW)

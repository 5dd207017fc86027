"""Rereading: each kind of delivery that was not applied becomes what it is today, in both databases, and only once."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from ledger.client import Unreadable
from operations.dead_letters import Selection, listed, unapplied
from operations.replay import discard
from operations.reprocess import reread
from seven.digest import delivery_digest
from seven.envelope import Envelope
from seven.records import ArchivedDelivery
from store.projection import DIED, numbered, project_batch, unreadable, untouched
from store.row_writer import Store
from store.schema import dead_letter_failures, dead_letters, deliveries, messages
from tests.factories.dead_letters import (
    ALL,
    batch_of,
    dead,
    delivery,
    history,
    kept_deliveries,
    letters,
    replayed,
    stored,
    write,
)
from tests.factories.envelopes import NOW, envelope
from tests.factories.rows import kept


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}, id="words"),
        pytest.param(b"webhook_event=dlr&data[msg_id]=7&data[status]=DELIVERED", id="bytes"),
    ],
)
@pytest.mark.parametrize("head", [pytest.param(True, id="id at its head"), pytest.param(False, id="id further on")])
def test_an_envelope_that_can_be_read_today(engine: Engine, head: bool, payload: Any):
    """It ends up under its own id with its own payload, once, and the makeshift one is gone with its history moved."""
    line = Envelope("own", "dlr", NOW, "POST", payload).line()
    if not head:
        line = json.dumps(dict(reversed(json.loads(line).items()))).encode()
    batch = batch_of(envelope("before").line(), line)
    write(engine, *project_batch(batch_of(envelope("before").line())))
    buried = untouched(numbered(batch, 2), line).dead("not an envelope: KeyError")
    write(engine, buried)
    assert buried.delivery.id == ("own" if head else "b-2")
    assert replayed(engine).count("applied") == 1
    assert [(one.id, one.ordinal, one.outcome) for one in kept_deliveries(engine)] == [
        ("before", 1, "applied"),
        ("own", 2, "applied"),
    ]
    row = delivery(engine, "own")
    assert row.payload == Envelope("own", "dlr", NOW, "POST", payload).payload_text
    assert (row.ledger, row.queue, row.request_method) == ("l" * 32, "dlr", "POST")
    assert [*letters(engine)] == ["own"]
    assert history(engine, "own") == [(1, "not an envelope: KeyError")]
    assert history(engine, "b-2") == []
    assert next(row for row in kept(engine)["messages"] if row[0] == "7")[4] == "DELIVERED"


def test_an_envelope_that_can_be_read_today_and_was_consumed_meanwhile(engine: Engine):
    """Where another worker has written it under its own id, the makeshift row goes, and no ordinal is doubled."""
    line = json.dumps(dict(reversed(json.loads(envelope("own").line()).items()))).encode()
    batch = batch_of(line)
    write(engine, untouched(numbered(batch, 1), line).dead("not an envelope: KeyError"))
    write(engine, *project_batch(batch))
    assert replayed(engine).count("applied") == 1
    assert [(one.id, one.ordinal) for one in kept_deliveries(engine)] == [("own", 1)]


def test_an_envelope_that_still_cannot_be_read(engine: Engine):
    """It fails again under the makeshift id that it has."""
    write(engine, *project_batch(batch_of(b"garbage")))
    assert replayed(engine).failed == 1
    assert [attempt for attempt, _ in history(engine, "b-1")] == [1, 2]
    assert delivery(engine, "b-1").payload == "base64:" + base64.b64encode(b"garbage").decode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_batch_that_can_be_read_today(engine: Engine, packed: bool):
    """All its deliveries are written with their ordinals, and the letter that held it says so."""
    told = stored(envelope("one").line(), b"garbage", envelope("three", status=None).line(), packed=packed)
    write(engine, unreadable(Unreadable("whole", told, "KeyError")))
    found = replayed(engine)
    assert (found.count("applied"), dict(found.inside)) == (1, {"applied": 1, "dead": 1, "parked": 1})
    assert [(one.id, one.ordinal, one.outcome) for one in kept_deliveries(engine)] == [
        ("one", 5, "applied"),
        ("three", 7, "parked"),
        ("whole", None, "applied"),
        ("whole-6", 6, "dead"),
    ]
    assert delivery(engine, "whole").reason == "read as a batch of 3 deliveries"
    assert letters(engine)["whole"].replayed_at
    assert not letters(engine)["whole-6"].replayed_at


def test_a_batch_that_still_is_none(engine: Engine):
    """It fails again, as the batch that it may be."""
    write(engine, unreadable(Unreadable("whole", b"\x00odd", "JSONDecodeError")))
    assert replayed(engine).failed == 1
    assert replayed(engine).failed == 1
    assert [attempt for attempt, _ in history(engine, "whole")] == [1, 2, 3]
    assert (letters(engine)["whole"].reason or "").startswith("not a batch: ")
    assert [(one.id, one.outcome) for one in kept_deliveries(engine)] == [("whole", "dead")]


def raw(name: str, payload: bytes, reason: str) -> ArchivedDelivery:
    return ArchivedDelivery(
        id=name, event_type="dlr", queue="dlr", received_at=NOW, request_method="POST", outcome="parked", reason=reason,
        payload="base64:" + base64.b64encode(payload).decode(), digest=delivery_digest("dlr", payload), ordinal=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "reason", "outcome"),
    [
        pytest.param(b"msg_id=7&status=DELIVERED", "neither JSON nor a form", "applied", id="decodable today"),
        pytest.param(b"\x00\xff", "neither JSON nor a form", "parked", id="undecodable still"),
        pytest.param(b"msg_id=7&status=DELIV", "larger than 64 KiB: 70000 bytes", "parked", id="a sample of it"),
    ],
)
@pytest.mark.parametrize("discards", [False, True], ids=["parked", "discarded"])
def test_bytes_are_decoded_anew(engine: Engine, payload: bytes, reason: str, outcome: str, discards: bool):
    """Today's decoder is tried, but never on a sample of what was too large, whatever became of that meanwhile."""
    Store(engine).write([raw("one", payload, reason)])
    if discards:
        assert discard(Store(engine), ["one"]) == 1
    found = replayed(engine, Selection(outcomes=("parked", "discarded")))
    assert found.count(outcome) == 1
    assert delivery(engine, "one").outcome == ("discarded" if discards and outcome == "parked" else outcome)


def test_what_is_not_kept_any_more_is_left(engine: Engine):
    """Without payload nothing can be replayed: that is said, and nothing changed."""
    write(engine, *dead(envelope("one")))
    Store(engine).write([raw("two", b"a=1", "x")])
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(payload=None))
        connection.execute(update(dead_letters).values(envelope=None))
    before = kept(engine)
    found = replayed(engine)
    assert [(one.becomes, one.reason) for one in found.verdicts] == [("left", "its payload is not kept any more")] * 2
    assert kept(engine) == before


def test_what_workers_died_over_is_replayed_only_by_name(engine: Engine):
    """In bulk it is left: to look at it may be to die again, and then nothing could be replayed any more."""
    line = envelope("killer").line()
    write(engine, untouched(numbered(batch_of(line), 1), line).dead(f"2 {DIED}"))
    assert replayed(engine).count("left") == 1
    assert replayed(engine, risk=True).count("applied") == 1


def test_rereading_writes_the_letters_reason_over_the_rows(engine: Engine):
    """Of two reasons that a delivery had, the latest is told, not the greatest."""
    (one,) = dead(envelope("one"))
    write(engine, one, one.dead("a later reason", 2))
    with engine.connect().execution_options(reads=True) as connection:
        assert listed(connection, ALL)[0]["reason"] == "a later reason"
        (found,) = unapplied(connection, ["one"])
    assert reread(replace(found, letter=None)).outcome == "applied"
    with engine.connect() as connection:
        assert connection.execute(select(messages.c.msg_id)).all() == []
        assert len(connection.execute(select(dead_letter_failures)).all()) == 2

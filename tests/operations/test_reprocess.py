"""Reprocess: every kind of delivery that was not applied is projected by today's code, once, in both databases."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from ledger.client import Unreadable
from operations.dead_letters import Selection, list_unapplied, read_unapplied
from operations.replay import discard
from operations.reprocess import reprocess
from seven.archive_records import ArchivedDelivery
from seven.digest import delivery_digest
from seven.envelope import Envelope
from store.projection import DIED, numbered, project_batch, unread_envelope, unreadable
from store.row_writer import Store
from store.schema import dead_letter_failures, dead_letters, deliveries, messages
from tests.factories.dead_letters import (
    ALL,
    batch_of,
    dead,
    delivery,
    history,
    letters,
    replayed,
    stored,
    stored_deliveries,
    write,
)
from tests.factories.envelopes import NOW, envelope
from tests.factories.rows import stored_rows


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}, id="fields"),
        pytest.param(b"webhook_event=dlr&data[msg_id]=7&data[status]=DELIVERED", id="bytes"),
    ],
)
@pytest.mark.parametrize("head", [pytest.param(True, id="id at its head"), pytest.param(False, id="id further back")])
def test_an_envelope_that_is_readable_today(engine: Engine, head: bool, payload: Any):
    """It is stored once, under its own id and payload; its history moves there from the makeshift id."""
    line = Envelope("own", "dlr", NOW, "POST", payload).line()
    if not head:
        line = json.dumps(dict(reversed(json.loads(line).items()))).encode()
    batch = batch_of(envelope("before").line(), line)
    write(engine, *project_batch(batch_of(envelope("before").line())))
    buried = unread_envelope(numbered(batch, 2), line).dead("not an envelope: KeyError")
    write(engine, buried)
    assert buried.delivery.id == ("own" if head else "b-2")
    assert replayed(engine).count("applied") == 1
    assert [(row.id, row.ordinal, row.outcome) for row in stored_deliveries(engine)] == [
        ("before", 1, "applied"),
        ("own", 2, "applied"),
    ]
    row = delivery(engine, "own")
    assert row.payload == Envelope("own", "dlr", NOW, "POST", payload).payload_text
    assert (row.ledger, row.queue, row.request_method) == ("l" * 32, "dlr", "POST")
    assert [*letters(engine)] == ["own"]
    assert history(engine, "own") == [(1, "not an envelope: KeyError")]
    assert history(engine, "b-2") == []
    assert next(row for row in stored_rows(engine)["messages"] if row[0] == "7")[4] == "DELIVERED"


def test_a_readable_envelope_that_another_worker_wrote(engine: Engine):
    """If its own id is already stored, the makeshift row is removed, and no ordinal is doubled."""
    line = json.dumps(dict(reversed(json.loads(envelope("own").line()).items()))).encode()
    batch = batch_of(line)
    write(engine, unread_envelope(numbered(batch, 1), line).dead("not an envelope: KeyError"))
    write(engine, *project_batch(batch))
    assert replayed(engine).count("applied") == 1
    assert [(row.id, row.ordinal) for row in stored_deliveries(engine)] == [("own", 1)]


def test_an_envelope_that_is_still_unreadable(engine: Engine):
    """It fails again under its makeshift id."""
    write(engine, *project_batch(batch_of(b"garbage")))
    assert replayed(engine).failed == 1
    assert [attempt for attempt, _ in history(engine, "b-1")] == [1, 2]
    assert delivery(engine, "b-1").payload == "base64:" + base64.b64encode(b"garbage").decode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_batch_that_is_readable_today(engine: Engine, packed: bool):
    """All its deliveries are written with their ordinals, and its dead letter records the replay."""
    batch = stored(envelope("one").line(), b"garbage", envelope("three", status=None).line(), packed=packed)
    write(engine, unreadable(Unreadable("whole", batch, "KeyError")))
    summary = replayed(engine)
    assert (summary.count("applied"), dict(summary.inside)) == (1, {"applied": 1, "dead": 1, "parked": 1})
    assert [(row.id, row.ordinal, row.outcome) for row in stored_deliveries(engine)] == [
        ("one", 5, "applied"),
        ("three", 7, "parked"),
        ("whole", None, "applied"),
        ("whole-6", 6, "dead"),
    ]
    assert delivery(engine, "whole").reason == "read as a batch of 3 deliveries"
    assert letters(engine)["whole"].replayed_at
    assert not letters(engine)["whole-6"].replayed_at


def test_a_batch_that_is_still_unreadable(engine: Engine):
    """It fails again as a whole batch."""
    write(engine, unreadable(Unreadable("whole", b"\x00odd", "JSONDecodeError")))
    assert replayed(engine).failed == 1
    assert replayed(engine).failed == 1
    assert [attempt for attempt, _ in history(engine, "whole")] == [1, 2, 3]
    assert (letters(engine)["whole"].reason or "").startswith("not a batch: ")
    assert [(row.id, row.outcome) for row in stored_deliveries(engine)] == [("whole", "dead")]


def raw(name: str, payload: bytes, reason: str) -> ArchivedDelivery:
    return ArchivedDelivery(
        id=name, event_type="dlr", queue="dlr", received_at=NOW, request_method="POST", outcome="parked", reason=reason,
        payload="base64:" + base64.b64encode(payload).decode(), digest=delivery_digest("dlr", payload), ordinal=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "reason", "outcome"),
    [
        pytest.param(b"msg_id=7&status=DELIVERED", "neither JSON nor a form", "applied", id="decodable today"),
        pytest.param(b"\x00\xff", "neither JSON nor a form", "parked", id="still undecodable"),
        pytest.param(b"msg_id=7&status=DELIV", "larger than 64 KiB: 70000 bytes", "parked", id="a sample"),
    ],
)
@pytest.mark.parametrize("discards", [False, True], ids=["parked", "discarded"])
def test_bytes_are_decoded_again(engine: Engine, payload: bytes, reason: str, outcome: str, discards: bool):
    """Today's decoder reads stored bytes, but never the sample of a payload that was too large, even if discarded."""
    Store(engine).write([raw("one", payload, reason)])
    if discards:
        assert discard(Store(engine), ["one"]) == 1
    summary = replayed(engine, Selection(outcomes=("parked", "discarded")))
    assert summary.count(outcome) == 1
    assert delivery(engine, "one").outcome == ("discarded" if discards and outcome == "parked" else outcome)


def test_a_delivery_without_payload_is_left(engine: Engine):
    """Without its payload a delivery cannot be replayed: it is left with that reason, and no row changes."""
    write(engine, *dead(envelope("one")))
    Store(engine).write([raw("two", b"a=1", "x")])
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(payload=None))
        connection.execute(update(dead_letters).values(envelope=None))
    before = stored_rows(engine)
    summary = replayed(engine)
    assert [(result.becomes, result.reason) for result in summary.results] == [
        ("left", "its payload is not kept any more")
    ] * 2
    assert stored_rows(engine) == before


def test_a_delivery_that_killed_workers_is_replayed_only_by_force(engine: Engine):
    """A bulk replay leaves it: projecting it may kill the process, and then nothing could be replayed."""
    line = envelope("killer").line()
    write(engine, unread_envelope(numbered(batch_of(line), 1), line).dead(f"2 {DIED}"))
    assert replayed(engine).count("left") == 1
    assert replayed(engine, force=True).count("applied") == 1


def test_the_latest_reason_is_listed(engine: Engine):
    """Of a delivery's two reasons the list shows the latest, not the greatest; without its letter it still projects."""
    (projection,) = dead(envelope("one"))
    write(engine, projection, projection.dead("a later reason", 2))
    with engine.connect().execution_options(reads=True) as connection:
        assert list_unapplied(connection, ALL)[0]["reason"] == "a later reason"
        (unapplied,) = read_unapplied(connection, ["one"])
    assert reprocess(replace(unapplied, letter=None)).outcome == "applied"
    with engine.connect() as connection:
        assert connection.execute(select(messages.c.msg_id)).all() == []
        assert len(connection.execute(select(dead_letter_failures)).all()) == 2

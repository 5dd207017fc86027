"""Purge: exactly the rows that are too old are blanked or removed, and the audit stays exact, in both databases."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.audit import Audit, Auditor
from operations.refold import LeftSubject
from seven.archive_records import DeadLetter, DeadLetterFailure
from seven.record import Record
from seven.records import Call, CallStatus, InboundMessage, LinkEvent, Message, MessageStatus, TrackedLink
from store import purge
from store.row_writer import Store
from store.schema import deliveries
from tests.factories.aged_rows import DAY, NOW, age_by, keep_days, retain, row, rows_of, tallied_ranges
from tests.factories.archive import change_times, delivered, delivery_id, keep, put, rebuilt, rows
from tests.factories.envelopes import envelope
from workers.consumer import Consumer


def audited(ledger: Ledger, engine: Engine, *ids: str) -> Audit:
    return Auditor(ledger, engine).audit(ids or None)


def test_payloads_are_blanked_by_outcome(ledger: Ledger, engine: Engine):
    """Payload and digest of an applied delivery are blanked sooner than those of one that can still be replayed."""
    ages = {1: 89 * DAY, 2: 91 * DAY, 3: 91 * DAY, 4: 366 * DAY, 5: 366 * DAY, 6: 366 * DAY}
    outcomes = {1: "applied", 2: "applied", 3: "parked", 4: "parked", 5: "dead", 6: "discarded"}
    before = {number: row(number, age, outcomes[number], reason="why") for number, age in ages.items()}
    Store(engine).write(before.values())
    letters = [DeadLetter(before[number].id, envelope="{}", attempts=1) for number in (2, 5)]
    Store(engine).write(letters)
    result = retain(ledger, engine, keep_days(payloads=90, unapplied=365))
    after = {number: rows_of(engine, "deliveries")[delivery.id] for number, delivery in before.items()}
    blank = {number: replace(delivery, payload=None, digest=None) for number, delivery in before.items()}
    assert after == {**before, **{number: blank[number] for number in (2, 4, 5, 6)}}
    assert {letter.envelope for letter in rows_of(engine, "dead_letters").values()} == {None}
    assert (result.blanked, result.removed) == (Counter(deliveries=4, dead_letters=2), Counter())
    assert not retain(ledger, engine, keep_days(payloads=90, unapplied=365)).blanked


def test_open_deliveries_stay(ledger: Ledger, engine: Engine):
    """Old applied, discarded, and parked rows without a payload are removed, with their dead letters; others stay."""
    written = {
        1: row(1, 400 * DAY), 2: row(2, 400 * DAY, "discarded"), 3: row(3, 400 * DAY, "parked"),
        4: row(4, 400 * DAY, "parked", payload=None), 5: row(5, 400 * DAY, "dead", payload=None),
        6: row(6, 400 * DAY, "quarantined"), 7: row(7, 400 * DAY, "dead", received_at=None), 8: row(8, 300 * DAY),
    }  # fmt: skip
    Store(engine).write(written.values())
    Store(engine).write(DeadLetter(written[number].id, attempts=1) for number in (2, 5))
    Store(engine).write(DeadLetterFailure(written[number].id, 1) for number in (2, 5))
    retain(ledger, engine, keep_days(deliveries=365))
    assert {delivery.ordinal for delivery in rows_of(engine, "deliveries").values()} == {3, 5, 6, 7, 8}
    assert list(rows_of(engine, "dead_letters")) == [written[5].id]
    assert list(rows_of(engine, "dead_letter_failures")) == [(written[5].id, 1)]
    assert tallied_ranges(engine) == [(1, 2), (4, 4)]


def test_tallies_stay_few(ledger: Ledger, engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """However many transactions remove rows, and in whatever order of ordinals, adjacent runs become one row."""
    monkeypatch.setattr(purge, "ROWS_AT_ONCE", 3)
    Store(engine).write(row(number, (500 - number) * DAY, ordinal=101 - number) for number in range(1, 101))
    retain(ledger, engine, keep_days(deliveries=450))
    assert tallied_ranges(engine) == [(51, 100)]
    retain(ledger, engine, keep_days(deliveries=365))
    assert tallied_ranges(engine) == [(1, 100)]


def test_the_audit_stays_exact(ledger: Ledger, engine: Engine, consumer: Consumer, accept: Any):
    """Removed rows are tallied, neither missing nor doubled; a row that vanished otherwise is still missing."""
    batch = [envelope(delivery_id(NOW, n)) for n in range(10)]
    consumer.consume("dlr", [accept(*batch[:4], envelope("p", status=None), *batch[4:])])
    age_by(engine, 400 * DAY)
    with engine.begin() as connection:
        connection.execute(deliveries.delete().where(deliveries.c.ordinal == 3))
    accept(envelope("w"))
    retain(ledger, engine, keep_days(deliveries=365))
    audit = audited(ledger, engine)
    (dlr,) = [series for series in audit.series if series.queue == "dlr"]
    assert (dlr.given_out, dlr.rows, dlr.tallied, dlr.waiting) == (12, {"parked": 1}, {"removed": 9}, 1)
    assert (dlr.missing_runs, dlr.doubled) == (((3, 3),), 0)


def test_one_row_of_a_doubled_ordinal_is_removed(ledger: Ledger, engine: Engine):
    """An ordinal that still has a row is not tallied."""
    old, young = row(1, 400 * DAY), replace(row(2, DAY), ordinal=1)
    Store(engine).write([old, young])
    retain(ledger, engine, keep_days(deliveries=365))
    assert (tallied_ranges(engine), list(rows_of(engine, "deliveries"))) == ([], [young.id])


def test_rows_of_a_pending_batch_are_not_removed(ledger: Ledger, engine: Engine, consumer: Consumer, accept: Any):
    """A row whose batch is still in the ledger stays, however old, and so does every row received after it."""
    batch = accept(envelope(delivery_id(NOW, 1)))
    stored = ledger.redis.hget("seven:batches", batch)
    consumer.consume("dlr", [batch])
    ledger.redis.hset("seven:batches", batch, stored)
    ledger.redis.zadd("seven:pending:dlr", {batch: int((NOW - 500 * DAY).timestamp() * 1000)})
    Store(engine).write([row(1, 501 * DAY), row(2, 450 * DAY)])
    retain(ledger, engine, keep_days(deliveries=365))
    assert {delivery.ordinal for delivery in rows_of(engine, "deliveries").values() if delivery.ledger == "life"} == {2}


def test_rebuild_leaves_cut_subjects(ledger: Ledger, engine: Engine):
    """The rows of a subject with purged deliveries or payloads are not replaced, and the result names the reason."""
    long_ago = NOW - 400 * DAY
    keep(engine, [delivered(1, "dlr", {"msg_id": "7", "status": "DELIVERED"}, long_ago)])
    keep(engine, [delivered(2, "dlr", {"msg_id": "8", "status": "DELIVERED"}, NOW - 100 * DAY)])
    keep(engine, [delivered(3, "dlr", {"msg_id": "7", "status": "EXPIRED"}, NOW - DAY)])
    retain(ledger, engine, keep_days(payloads=90, deliveries=365))
    messages = rows_of(engine, "messages")
    left_alone = [left for done in rebuilt(engine) for left in done.refolded.left]
    assert sorted(left_alone, key=lambda left: left.subject) == [
        LeftSubject("7", "deliveries of its time have been removed", cut=True),
        LeftSubject("8", "the payload of a delivery is not kept any more", cut=True),
    ]
    assert rows_of(engine, "messages") == messages


def test_texts_are_blanked_and_their_rows_stay(ledger: Ledger, engine: Engine):
    """An old SMS loses only its text, with a new `changed_at`; the text of a later repeat is blanked, too."""
    old, young = (InboundMessage(str(n), "491", "492", "hello", NOW - n * DAY, "SMS") for n in (366, 364))
    for message in (old, young):
        put(engine, message)
    settings = keep_days(payloads=365, unapplied=365, texts=365)
    assert retain(ledger, engine, settings).blanked == Counter(inbound_messages=1)
    assert rows_of(engine, "inbound_messages") == {"366": replace(old, text=None), "364": young}
    changed = change_times(engine)
    assert changed["inbound_messages", ("366",)] > NOW - DAY > changed["inbound_messages", ("364",)]
    Store(engine).write([old])
    retain(ledger, engine, settings)
    assert rows_of(engine, "inbound_messages")["366"].text is None


def test_histories_are_removed_without_their_records(ledger: Ledger, engine: Engine):
    """Old statuses, clicks and views are removed; the standing, the totals and younger entries stay."""
    ages = (400 * DAY, 366 * DAY, 364 * DAY)
    records: list[Record] = [Message("7", status="DELIVERED"), TrackedLink("7", "u", clicks=3, first_at=NOW - ages[0])]
    for nth, age in enumerate(ages, 1):
        records += [
            MessageStatus("7", "BUFFERED", NOW - age), CallStatus("outbound", "3", "ringing", NOW - age),
            LinkEvent("7", "u", "click", nth, NOW - age),
        ]  # fmt: skip
    Store(engine).write(records)
    result = retain(ledger, engine, keep_days(histories=365))
    assert result.removed == Counter(message_statuses=2, call_statuses=2, link_events=2)
    young = [record for record in records if getattr(record, "at", NOW) > NOW - 365 * DAY]
    assert sorted(map(repr, rows(engine).values())) == sorted(map(repr, young))


def test_removed_clicks_are_not_unreported_ones(ledger: Ledger, engine: Engine):
    """Clicks that the gateway never reported are counted before and after a purge, removed ones are not."""
    link = TrackedLink("s", "u", clicks=6, first_at=NOW - 400 * DAY)
    other = TrackedLink("s", "v", clicks=4, first_at=NOW - 3 * DAY)
    ages = {1: 400, 2: 390, 4: 20, 6: 3}
    Store(engine).write([link, other, *(LinkEvent("s", "u", "click", n, NOW - age * DAY) for n, age in ages.items())])
    Store(engine).write([LinkEvent("s", "v", "click", 4, NOW - 3 * DAY)])
    assert audited(ledger, engine).link_gaps == {"click": (2, 5)}
    retain(ledger, engine, keep_days(histories=365))
    assert audited(ledger, engine).link_gaps == {"click": (2, 4)}, "only the fifth of the older link"


def test_a_record_is_removed_with_its_history(ledger: Ledger, engine: Engine):
    """A record without a change for so long is removed with its history, whatever the history's own limit."""
    for name, age in (("7", 31), ("8", 29)):
        put(engine, Message(name), changed_at=NOW - age * DAY)
        put(engine, TrackedLink(name, "u"), changed_at=NOW - age * DAY)
        put(engine, InboundMessage(name, sent_at=NOW - age * DAY), changed_at=NOW)
    history: list[Record] = []
    for name in ("7", "8"):
        history += [MessageStatus(name, "X", NOW), LinkEvent(name, "u", "view", 1, NOW)]
    Store(engine).write(history)
    retain(ledger, engine, keep_days(messages=30, links=30, inbound_messages=30))
    assert set(rows(engine)) == {
        ("messages", ("8",)), ("links", ("8", "u")), ("inbound_messages", ("8",)),
        ("message_statuses", ("8", "X", NOW)), ("link_events", ("8", "u", "view", 1)),
    }  # fmt: skip


@pytest.mark.parametrize(
    "young",
    [
        pytest.param(Message("7", status_at=NOW), id="the status of a message"),
        pytest.param(Message("7", status_at=NOW - 1200 * DAY, last_seen_at=NOW), id="a message seen again"),
        pytest.param(Message("7", first_seen_at=NOW), id="a message seen once"),
        pytest.param(Call("inbound", "7", status_at=NOW), id="the status of a call"),
        pytest.param(Call("inbound", "7", started_at=NOW), id="the start of a call"),
        pytest.param(TrackedLink("7", "u", first_at=NOW - 1200 * DAY, last_at=NOW), id="a link used again"),
        pytest.param(TrackedLink("7", "u", first_at=NOW), id="a link used once"),
    ],
)
def test_a_changed_at_from_a_slow_clock_removes_nothing(ledger: Ledger, engine: Engine, young: Record):
    """If the database's clock was years behind, the record's own times show that it is young."""
    times = ("status_at", "started_at", "first_seen_at", "last_seen_at", "first_at", "last_at")
    old = {name: NOW - 1200 * DAY for name in times if getattr(young, name, None) is not None}
    settings = keep_days(messages=30, calls=30, links=30)
    put(engine, young, changed_at=NOW - 1200 * DAY)
    assert retain(ledger, engine, settings).removed == Counter()
    put(engine, replace(young, **old), changed_at=NOW - DAY)
    assert retain(ledger, engine, settings).removed == Counter()
    put(engine, replace(young, **old), changed_at=NOW - 1200 * DAY)
    assert retain(ledger, engine, settings).removed == Counter({young.table: 1})


def test_calls_are_removed_by_direction_and_id(ledger: Ledger, engine: Engine):
    """Of two calls with one id the old one is removed, with only its own statuses."""
    for direction, age in (("inbound", 29), ("outbound", 31)):
        put(engine, Call(direction, "7", caller="491"), changed_at=NOW - age * DAY)
        put(engine, CallStatus(direction, "7", "ringing", NOW))
    retain(ledger, engine, keep_days(calls=30))
    assert set(rows(engine)) == {("calls", ("inbound", "7")), ("call_statuses", ("inbound", "7", "ringing", NOW))}

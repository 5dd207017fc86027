"""What the journal knows and the tables lack, put in, leaves the rows that webhooks would have; in any order."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from emulator.scenarios import scenario
from emulator.vendor_event import VendorEvent
from operations.journal_comparison import lacking
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from seven.journal import JOURNAL, JournalRow, read_row
from seven.opt_out_words_file import read_opt_out_words
from seven.record import Record, fold
from seven.records import Call, CallStatus, InboundMessage, Message, MessageStatus, OptOut
from store.delivery_rows import Projection
from store.projection import project_envelope
from store.projection_options import ProjectionOptions
from store.record_rows import RowKey, row_key
from store.row_writer import Store
from store.schema import calls, inbound_messages, messages
from tests.extent import examples
from tests.factories.journal import journal_rows
from tests.gateway.journal_stub import outbound

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
OPTIONS = ProjectionOptions(opt_out_words=read_opt_out_words(None))
JOURNALED = ("dlr", "sms_mo", "voice_status", "voice_call")
EVENTS = [
    event
    for event in scenario(7, now=NOW, messages=24)
    if event.event_type in JOURNALED or (event.event_type == "rcs" and event.sent is None)
]
EVENTS += [
    VendorEvent(
        "rcs",
        {
            "id": number, "sender": "4915123450001", "agent_id": "shop", "time": int(NOW.timestamp()) - 900 + number,
            "text": text, "message_type": "RCS", "content_type": "text",
        },
        NOW,
    )
    for number, text in enumerate(["STOP", "START", "STOP", "START"], 1)
]  # fmt: skip
ROWS = journal_rows(EVENTS)
STANDING = {
    Message: ("status", "result", "final", "foreign_id"),
    Call: ("status", "final", "caller", "recipient", "duration_s"),  # the journal has no foreign id of a call
    InboundMessage: ("sender", "recipient", "text", "sent_at", "channel", "agent_id"),
    OptOut: ("state", "since", "inbound_id"),
}


def by_webhook(event: VendorEvent, number: int = 0) -> Projection:
    payload = {
        "webhook_event": event.event_type,
        "webhook_timestamp": event.occurred_at.isoformat(),
        "data": dict(event.fields),
    }
    return projected(Envelope(f"webhook-{id(event)}-{number}", event.event_type, NOW, "JSON", payload))


def by_journal(row: JournalRow) -> Projection:
    return projected(Envelope(f"journal-{row.event_type}-{row.id}", row.webhook_event, NOW, JOURNAL, row.payload))


def projected(envelope: Envelope) -> Projection:
    projection = project_envelope(ArchivedDelivery(id=envelope.id), envelope, "", options=OPTIONS)
    assert projection.delivery.outcome == "applied"
    return projection


def folded(projections: Iterable[Projection]) -> dict[RowKey, Record]:
    return {row_key(record): record for record in fold(r for p in projections for r in p.records)}


def standings(records: dict[RowKey, Record]) -> dict[RowKey, tuple[Any, ...]]:
    """Of messages, calls and inbound SMS, what must be as if every webhook had come."""
    return {
        key: tuple(getattr(record, name) for name in STANDING[type(record)])
        for key, record in records.items()
        if type(record) in STANDING
    }


UNDISTURBED = standings(folded(map(by_webhook, EVENTS)))


@examples(40, 400)
@given(drawn=st.data())
def test_any_webhooks_may_be_missing(drawn: st.DataObject):
    """Any subset of webhooks, with the journal at any place among them, several times: the standings as played.

    And in any order the same rows.
    """
    came = [event for event in EVENTS if drawn.draw(st.booleans())]
    deliveries = [*map(by_webhook, came), *map(by_journal, ROWS), *map(by_journal, ROWS)]
    chance = drawn.draw(st.randoms(use_true_random=False))
    chance.shuffle(deliveries)
    records = folded(deliveries)
    assert standings(records) == UNDISTURBED
    chance.shuffle(deliveries)
    assert folded(deliveries) == records


def test_an_opt_out_by_rcs_stands_for_rcs():
    """By the journal alone as by webhooks, so a START by RCS ends it."""
    stands = {
        row_key(each): each.state
        for each in folded(map(by_journal, ROWS)).values()
        if isinstance(each, OptOut) and each.recipient == "shop"
    }
    assert stands == {("opt_outs", ("4915123450001", "shop", "rcs")): "in"}


def test_the_journal_writes_no_history_and_has_seen_nothing():
    """Beside webhooks it adds no status to a history, and moves no time of what they reported."""
    alone, beside = folded(map(by_webhook, EVENTS)), folded([*map(by_webhook, EVENTS), *map(by_journal, ROWS)])
    assert {record.table for record in folded(map(by_journal, ROWS)).values()}.isdisjoint(
        {MessageStatus.table, CallStatus.table}
    )
    moved = {
        key: (record, beside[key])
        for key, record in alone.items()
        for name in ("first_seen_at", "last_seen_at", "started_at", "status_at")
        if getattr(record, name, None) != getattr(beside[key], name, None)
    }
    assert moved == {}


def test_what_only_the_journal_knows_is_marked_until_a_webhook_comes():
    row = next(row for row in ROWS if row.event_type == "dlr")
    webhooks = [by_webhook(event) for event in EVENTS if event.fields.get("msg_id") == row.id]
    (before,) = (r for r in folded([by_journal(row)]).values() if isinstance(r, Message))
    after = folded([by_journal(row), *webhooks])[row_key(before)]
    assert (before.journal_only, before.last_seen_at) == (True, None)
    assert isinstance(after, Message)
    assert (after.journal_only, after.first_seen_at) == (None, folded(webhooks)[row_key(before)].first_seen_at)


@pytest.mark.parametrize("by", ["epoch", "wall clock", "journal"])
def test_in_the_hour_that_comes_twice_a_stop_counts_as_late_as_it_may_be(by: str):
    """By its wall clock alone the STOP at 01:40 UTC may also be of 00:40, before the START at 01:10."""
    start, stop = (datetime(2025, 10, 26, 1, minute, tzinfo=UTC) for minute in (10, 40))
    wall, fields = "2025-10-26 02:40:00", {"sender": "49176123456789", "system": "49151999"}
    if by == "journal":
        row = {"id": "2", "from": fields["sender"], "to": fields["system"], "text": "STOP", "timestamp": wall}
        stopped = by_journal(read_row("sms_mo", row))
    else:
        time = wall if by == "wall clock" else int(stop.timestamp())
        stopped = by_webhook(VendorEvent("sms_mo", fields | {"id": "2", "text": "STOP", "time": time}, stop))
    started = VendorEvent("sms_mo", fields | {"id": "1", "text": "START", "time": int(start.timestamp())}, start)
    (standing,) = (each for each in folded([by_webhook(started), stopped]).values() if isinstance(each, OptOut))
    assert standing.state == "out"


def write(engine: Engine, projections: Sequence[Projection]) -> None:
    Store(engine).write([record for projection in projections for record in projection.records])


def missing(engine: Engine, rows: Sequence[JournalRow] = ROWS) -> list[Any]:
    with engine.connect() as connection:
        return lacking(connection, rows, NOW, OPTIONS)


def test_only_what_is_lacking_is_found(engine: Engine):
    """Nothing while every webhook came; then those whose last was dropped, and after a backfill nothing again."""
    last = {event.fields.get("msg_id") or (event.event_type, event.fields["id"]): event for event in EVENTS}
    dropped = set(map(id, list(last.values())[::3]))
    came = [event for event in EVENTS if id(event) not in dropped]
    write(engine, [by_webhook(event) for event in came])
    lacked = missing(engine)
    assert len(lacked) == len(dropped)
    write(engine, [projected(each.envelope) for each in lacked])
    assert missing(engine) == []
    write(engine, [by_webhook(event) for event in EVENTS])
    assert missing(engine) == []


def test_webhooks_without_an_id_are_known(engine: Engine):
    """A flat GET carries no id of an SMS or call: its row is found by its content."""
    without = [
        VendorEvent(event.event_type, {k: v for k, v in event.fields.items() if k != "id"}, event.occurred_at)
        for event in EVENTS
        if event.event_type in ("sms_mo", "voice_call") or event.fields.get("content_type") == "text"
    ]
    assert without
    write(engine, [by_webhook(event) for event in without])
    rows = [
        row
        for row in ROWS
        if row.event_type == "voice_call"
        or (row.event_type == "sms_mo" and (row.hook_type == "sms_mo" or row.data["text"]))
    ]
    assert missing(engine, rows) == []


def test_a_known_call_gets_no_number_back(engine: Engine):
    """Numbers that were erased from a row do not come back by its later status."""
    ringing = [e for e in EVENTS if e.event_type == "voice_status" and e.fields["status"] == "ringing"][:1]
    write(engine, [by_webhook(event) for event in ringing])
    call_id = str(ringing[0].fields["id"])
    with engine.begin() as connection:
        connection.execute(calls.update().values(caller=None, recipient=None))
    lacked = [each for each in missing(engine) if each.row.id == call_id and not each.is_new]
    assert len(lacked) == 1
    write(engine, [projected(each.envelope) for each in lacked])
    with engine.connect() as connection:
        row = connection.execute(select(calls).where(calls.c.call_id == call_id)).one()
    assert (row.final, row.caller, row.recipient) == (True, None, None)


def test_a_known_message_gets_no_foreign_id_back(engine: Engine):
    """One that was erased from its row comes back neither for its own sake, nor by a later status."""
    row = read_row("dlr", outbound(7, "TRANSMITTED", foreign_id="order 7"))
    later = read_row("dlr", outbound(7, "DELIVERED", foreign_id="order 7"))
    write(engine, [by_journal(row)])
    with engine.begin() as connection:
        connection.execute(messages.update().values(foreign_id=None))
    assert missing(engine, [row]) == []
    (lacked,) = missing(engine, [later])
    write(engine, [projected(lacked.envelope)])
    with engine.connect() as connection:
        known = connection.execute(select(messages)).one()
    assert (known.status, known.foreign_id) == ("DELIVERED", None)


def test_a_known_text_is_left_alone(engine: Engine):
    """What retention or an erasure has blanked in an inbound SMS is not lacking."""
    write(engine, [by_webhook(event) for event in EVENTS])
    with engine.begin() as connection:
        connection.execute(inbound_messages.update().values(sender=None, text=None))
    assert missing(engine) == []


def test_a_difference_of_times_is_none(engine: Engine):
    """The journal's clock need not agree with the webhook's to the second."""
    write(engine, [by_webhook(event) for event in EVENTS])
    with engine.begin() as connection:
        connection.execute(messages.update().values(status_at=NOW - timedelta(days=9)))
    assert [each.row.event_type for each in missing(engine)] == []

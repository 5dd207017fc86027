"""Change rows: each noted change becomes what its record is now, or is superseded, on both databases."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, update

from reactions.change import Change
from reactions.change_data import CallData, InboundData, LinkData, MessageData, MissedWebhookData, OptOutData, kind_of
from reactions.change_rows import read_changes
from seven.records import Call, InboundMessage, LinkEvent, Message, MissedWebhook, OptOut, OptOutEvent, TrackedLink
from seven.topics import OF_RECORDS
from store.notifications import ClaimedNotification
from store.row_writer import Store
from store.schema import calls, inbound_messages, link_events, messages, missed_webhooks, opt_outs
from tests.factories.changes import NOON, NUMBER, OURS, URL
from tests.reactions.claims import claim, read_all


def stands(engine: Engine, each: ClaimedNotification) -> bool:
    (made,) = read_all(engine, [each])
    return made is not None


RECORDS = (
    Message(
        "77", status="DELIVERED", result="delivered", final=True, status_at=NOON, foreign_id="order-1", read_at=NOON
    ),
    InboundMessage("901", sender=NUMBER, recipient=OURS, text="hello", sent_at=NOON, channel="rcs", latitude=52.5),
    Call(
        "inbound",
        "3 0 1",
        caller=NUMBER,
        recipient=OURS,
        status="completed",
        duration_s=61,
        total_price=Decimal("0.0750"),
    ),
    TrackedLink("77 8", URL, label="spring", final_url="https://shop.example"),
    LinkEvent("77 8", URL, "click", 2, NOON),
    LinkEvent("78", URL, "view", 1, NOON),
    OptOut(NUMBER, OURS, "sms", since=NOON, state="out", word="STOP", inbound_id="901"),
    OptOutEvent(NUMBER, OURS, "sms", NOON, "out", "901", word="STOP"),
    MissedWebhook("dlr", "77 8", "DELIVERED", found_at=NOON, journal_at=NOON, state="missed"),
    MissedWebhook("sms_mo", "9", "", found_at=NOON, journal_at=NOON, state="missed"),
)
CASES = {
    "message.delivered": (
        claim("message.delivered", "77", "DELIVERED"),
        MessageData(msg_id="77", status="DELIVERED", result="delivered", final=True, status_at=NOON, foreign_id="order-1", read_at=NOON),
    ),
    "message.read": (
        claim("message.read", "77", "READ"),
        MessageData(msg_id="77", status="DELIVERED", result="delivered", final=True, status_at=NOON, foreign_id="order-1", read_at=NOON),
    ),
    "inbound.received": (
        claim("inbound.received", "901", "received"),
        InboundData(id="901", sender=NUMBER, recipient=OURS, text="hello", sent_at=NOON, channel="rcs", latitude=52.5),
    ),
    "call.status": (
        claim("call.status", "inbound 3 0 1", "completed"),
        CallData(direction="inbound", call_id="3 0 1", caller=NUMBER, recipient=OURS, status="completed", duration_s=61, total_price=Decimal("0.075")),
    ),
    "call.received": (
        claim("call.received", "inbound 3 0 1", "received"),
        CallData(direction="inbound", call_id="3 0 1", caller=NUMBER, recipient=OURS, status="completed", duration_s=61, total_price=Decimal("0.075")),
    ),
    "link.clicked": (
        claim("link.clicked", f"77 8 {URL} click 2", "click"),
        LinkData(sms_id="77 8", tracking_url=URL, type="click", nth=2, at=NOON, label="spring", final_url="https://shop.example"),
    ),
    "link without its record": (
        claim("link.viewed", f"78 {URL} view 1", "view"),
        LinkData(sms_id="78", tracking_url=URL, type="view", nth=1, at=NOON),
    ),
    "opt_out.started": (
        claim("opt_out.started", "901", "out"),
        OptOutData(number=NUMBER, recipient=OURS, channel="sms", since=NOON, state="out", word="STOP", inbound_id="901"),
    ),
    "webhook.missed": (
        claim("webhook.missed", "dlr 77 8 DELIVERED", "DELIVERED"),
        MissedWebhookData(event_type="dlr", id="77 8", status="DELIVERED", found_at=NOON, journal_at=NOON),
    ),
    "missed without a status": (
        claim("webhook.missed", "sms_mo 9", "received"),
        MissedWebhookData(event_type="sms_mo", id="9", status="", found_at=NOON, journal_at=NOON),
    ),
}  # fmt: skip


def test_every_kind_is_read(engine: Engine):
    """All that the record has, at once, in the order asked for, with few statements."""
    Store(engine).write(RECORDS)
    wanted = [each for each, _ in CASES.values()]
    random.Random(1).shuffle(wanted)
    statements: list[str] = []
    with engine.connect().execution_options(reads=True) as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
        made = read_changes(connection, wanted)
    assert len([each for each in statements if each.startswith("SELECT")]) == 6
    data = dict(CASES.values())
    assert [each and each.data for each in made] == [data[each] for each in wanted]
    assert [each and (each.type, each.now, each.was, each.timestamp, each.sequence) for each in made] == [
        (each.topic, each.now, None, NOON, 1) for each in wanted
    ]
    assert all(each and Change.model_validate_json(each.body()) == each for each in made)
    assert {kind_of(each.topic) for each in wanted} == {kind_of(topic) for topic in OF_RECORDS}


@pytest.mark.parametrize("name", CASES)
def test_what_is_gone_is_superseded(engine: Engine, name: str):
    """Removed by retention or a rebuild; also among others that stand."""
    wanted, _ = CASES[name]
    other = claim("message.delivered", "other", "DELIVERED")
    Store(engine).write([*RECORDS, Message("other", status="DELIVERED", result="delivered")])
    assert all(read_all(engine, [wanted, other]))
    with engine.begin() as connection:
        for table in (inbound_messages, calls, link_events, opt_outs, missed_webhooks):
            connection.execute(delete(table))
        connection.execute(delete(messages).where(messages.c.msg_id != "other"))
    gone, there = read_all(engine, [wanted, other])
    assert gone is None
    assert there


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("message.delivered", update(messages).values(status="FAILED", result="failed")),
        ("message.read", update(messages).values(read_at=None)),
        ("call.status", update(calls).values(status="busy")),
        ("opt_out.started", update(opt_outs).values(state="in")),
        ("webhook.missed", update(missed_webhooks).values(state="came")),
    ],
)
def test_what_stands_otherwise_is_superseded(engine: Engine, name: str, later: Any):
    """A later change of it is sent instead."""
    Store(engine).write(RECORDS)
    wanted, _ = CASES[name]
    assert stands(engine, wanted)
    with engine.begin() as connection:
        connection.execute(later)
    assert not stands(engine, wanted)


def test_who_repeats_a_stop_opts_out_once(engine: Engine):
    """The second STOP is no change, so the first one's is sent, with what stands now."""
    again = NOON + timedelta(minutes=1)
    Store(engine).write([*RECORDS, OptOut(NUMBER, OURS, "sms", since=again, state="out", word="STOPP", inbound_id="902"), OptOutEvent(NUMBER, OURS, "sms", again, "out", "902", word="STOPP")])  # fmt: skip
    (made,) = read_all(engine, [CASES["opt_out.started"][0]])
    assert made
    assert isinstance(made.data, OptOutData)
    assert (made.data.inbound_id, made.data.word, made.timestamp) == ("902", "STOPP", NOON)


def test_what_is_not_superseded(engine: Engine):
    """What has been read or received stays so, whatever the message or call became."""
    Store(engine).write(RECORDS)
    with engine.begin() as connection:
        connection.execute(update(messages).values(status="FAILED", result="failed"))
        connection.execute(update(calls).values(status="busy"))
    assert stands(engine, CASES["message.read"][0])
    assert stands(engine, CASES["call.received"][0])


def test_keys_that_may_be_read_in_several_ways(engine: Engine):
    """Ids with spaces: the rows show what they are."""
    spaced = LinkEvent("a b", "c d", "click", 10, NOON)
    Store(engine).write([spaced, MissedWebhook("dlr", "received", "", state="missed"), MissedWebhook("dlr", "7", "received", state="missed")])  # fmt: skip
    made = read_all(
        engine,
        [
            claim("link.clicked", "a b c d click 10", "click"),
            claim("webhook.missed", "dlr received", "received"),
            claim("webhook.missed", "dlr 7 received", "received"),
            claim("link.clicked", "a b c d click 1", "click"),
            claim("link.clicked", "nonsense", "click"),
        ],
    )
    keys = [each and each.data.model_dump(include={"sms_id", "tracking_url", "nth", "id", "status"}) for each in made]
    assert keys == [
        {"sms_id": "a b", "tracking_url": "c d", "nth": 10},
        {"id": "received", "status": ""},
        {"id": "7", "status": "received"},
        None,
        None,
    ]


def test_nothing_is_read_of_nothing(engine: Engine):
    assert read_all(engine, []) == []
    with pytest.raises(KeyError):
        read_all(engine, [claim("heartbeat", "heartbeat", "alive")])

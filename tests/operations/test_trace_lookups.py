"""Trace, as people ask on the telephone: numbers in any spelling, ids in any case, URLs, labels; and what is no row yet."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.batch import Batch, Header
from ledger.client import Ledger
from operations.record_state import standing
from operations.trace import Story, deliveries_around, trace_story
from operations.trace_terms import Terms
from operations.trace_unapplied import PendingSearch, pending_about
from seven.envelope import Envelope
from seven.events import EVENT_TYPES
from seven.records import Message, SentMessage, TrackedLink
from store.archive import first_id
from store.projection import project_batch
from store.row_writer import Store
from tests.factories.envelopes import Accept, envelope
from tests.shared_rows import SharedRows

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
URL = "https://go.example/Ab1"
DELIVERIES: tuple[tuple[str, Mapping[str, Any] | bytes], ...] = (
    ("dlr", {"msg_id": "77", "status": "DELIVERED", "foreign_id": "Order-Ä1"}),
    ("tracking", {"sms_id": "77", "tracking_url": URL, "type": "click", "total_clicks": 2, "sms_label": "Spring sale"}),
    ("tracking", {"sms_id": "77", "tracking_url": URL, "type": "click", "total_clicks": 5, "sms_label": "Spring sale"}),
    ("sms_mo", {"id": "901", "sender": "+4915123456789", "text": "yes"}),
    ("sms_mo", {"id": "902", "sender": "SHOP", "text": "no"}),
    ("voice_call", {"id": "300", "caller": "4915123456789"}),
    ("voice_status", {"id": "301", "status": "busy", "recipient": "004915123456789"}),
    ("mms", {"msg_id": "9-Mms", "sender": "+49 151 2345 6789"}),
    ("dlr", {"msg_id": "", "status": "DELIVERED", "foreign_id": "Order-2"}),
    ("dlr", b"\xffsender=%2B4915123456789&foreign_id=order-3"),
)


def delivery_id(n: int) -> str:
    return f"{first_id(NOON + timedelta(minutes=n))}-7000-8000-{n:012d}"


def keep(engine: Engine) -> None:
    store = Store(engine)
    for n, (event_type, content) in enumerate(DELIVERIES):
        payload = content if isinstance(content, bytes) else {"data": dict(content), "webhook_event": event_type}
        reason = "neither" if isinstance(content, bytes) else None
        stored = Envelope(delivery_id(n), event_type, NOON + timedelta(minutes=n), "JSON", payload, reason)
        header = Header(event_type if event_type in EVENT_TYPES else "parked", "0" * 32, n + 1, 1, NOON)
        projections = project_batch(Batch("batch", header, [stored.line()]))
        store.write(row for projection in projections for row in projection.rows())


@pytest.fixture
def kept(dialect: str, shared_rows: SharedRows) -> Engine:
    """A database with these deliveries, a minute apart."""
    return shared_rows.engine(dialect, keep)


def trace(engine: Engine, text: str, country_code: int = 49) -> Story:
    with engine.connect().execution_options(reads=True) as connection:
        return trace_story(connection, text, country_code)


@pytest.mark.parametrize("spelling", ["+4915123456789", "0049 151 23456789", "0151/23456789", "(0)151 2345 6789"])
def test_a_number_in_any_spelling(kept: Engine, spelling: str):
    """Its inbound SMS and its calls, both ways, however the gateway spelled it; and what was parked about it."""
    story = trace(kept, spelling)
    assert [row["id"] for row in story.inbound_messages] == ["901"]
    assert [(row["direction"], row["call_id"]) for row in story.calls] == [("inbound", "300"), ("outbound", "301")]
    assert {row["subject"] for row in story.deliveries} == {"901", "inbound 300", "outbound 301"}
    assert [row["id"] for row in story.unapplied] == [delivery_id(7), delivery_id(9)]
    assert not trace(kept, "0151 23456780")


def test_a_leading_0_belongs_to_our_country(kept: Engine):
    """In Austria it is another number; a name is no number, and is found all the same."""
    assert not trace(kept, "0151 23456789", 43)
    assert [row["id"] for row in trace(kept, "SHOP").inbound_messages] == ["902"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Order-Ä1", {"messages": 1, "links": 1, "deliveries": 3}, id="foreign id"),
        pytest.param("oRDER-Ä1", {"messages": 1, "links": 1, "deliveries": 3}, id="in any case"),
        pytest.param("go.example/Ab1", {"links": 1, "deliveries": 2}, id="a short URL without its scheme"),
        pytest.param("http://go.example/Ab1", {"links": 1, "deliveries": 2}, id="with another"),
        pytest.param("go.example/ab1", {}, id="a path in another case is another link"),
        pytest.param("Spring sale", {"links": 1, "deliveries": 2}, id="a label"),
        pytest.param(" 77 ", {"messages": 1, "links": 1, "deliveries": 3}, id="spaces around"),
        pytest.param("9-mms", {"unapplied": 1}, id="an id in what was parked"),
        pytest.param("ORDER-2", {"unapplied": 1}, id="a foreign id in what was parked"),
        pytest.param("order-3", {"unapplied": 1}, id="an id in bytes that were not decoded"),
        pytest.param("order", {}, id="a part of an id"),
        pytest.param("%", {}, id="a wildcard of SQL"),
        pytest.param("\\", {}, id="its escape"),
        pytest.param("mms", {}, id="an event type is about nobody"),
        pytest.param(delivery_id(0).upper(), {"messages": 1, "links": 1, "deliveries": 3}, id="a delivery's id in capitals"),
    ],
)  # fmt: skip
def test_whatever_people_have_at_hand(kept: Engine, text: str, expected: Mapping[str, int]):
    """It finds the whole story, in both databases."""
    story = trace(kept, text)
    lists = ("messages", "calls", "inbound_messages", "links", "deliveries", "unapplied")
    assert {name: len(getattr(story, name)) for name in lists if getattr(story, name)} == expected
    assert bool(story) == bool(expected)


def test_gaps_and_summaries(kept: Engine):
    """Clicks that the gateway counted and never reported, and what each delivery said, masked on request."""
    story = trace(kept, "77")
    assert [link["gaps"] for link in story.links] == [{"click": 3}]
    assert [row["summary"] for row in story.deliveries] == [
        "DELIVERED",
        "click 2 on Spring sale",
        "click 5 on Spring sale",
    ]
    assert all("payload" not in row for row in story.deliveries)
    with kept.connect() as connection:
        masked = trace_story(connection, "901", masked=True)
    assert [row["summary"] for row in masked.deliveries] == ["a text of 3 characters"]


def test_deliveries_around_a_moment(kept: Engine):
    """Those before and after it, the latest first; at the ends fewer."""
    with kept.connect() as connection:
        around = deliveries_around(connection, NOON + timedelta(minutes=4, seconds=30))
        long_ago = deliveries_around(connection, NOON - timedelta(days=365))
    assert [row["id"] for row in around] == [delivery_id(n) for n in reversed(range(10))]
    assert len(long_ago) == 10
    assert around[-1]["summary"] == "DELIVERED"


def search(ledger: Ledger, text: str, subjects: frozenset[str] = frozenset()) -> PendingSearch:
    return pending_about(ledger, Terms.of(text), subjects)


def test_what_is_pending(ledger: Ledger, accept: Accept):
    """A delivery that no worker has written yet is known, by any id, by its number, and as one of a story's subjects."""
    accept(envelope("d1", msg_id="77", status="DELIVERED", foreign_id="Order-1"), envelope("d2", msg_id="78"))
    accept(envelope("m1", "sms_mo", id="901", sender="+4915123456789", text="hi"), queue="sms_mo")
    assert [row["id"] for row in search(ledger, "order-1").deliveries] == ["d1"]
    assert [row["id"] for row in search(ledger, "d2").deliveries] == ["d2"]
    assert [row["summary"] for row in search(ledger, "0151 23456789").deliveries] == ["hi"]
    assert [row["id"] for row in search(ledger, "Order-9", frozenset({"78"})).deliveries] == ["d2"]
    nothing = search(ledger, "8888")
    assert (nothing.deliveries, nothing.complete) == ([], True)


def test_a_search_of_the_ledger_is_bounded(ledger: Ledger, accept: Accept):
    """After its time it ends, and says that it is not complete."""
    for n in range(3):
        accept(envelope(f"d{n}", msg_id=str(n)))
    times = iter((0.0, 0.0, 9.0))
    assert not pending_about(ledger, Terms.of("2"), clock=lambda: next(times)).complete


def test_what_was_sent_to_a_number(engine: Engine):
    """A number and a foreign id lead to what was sent, and by it to a status that has neither; also to what has none."""
    sent_at = NOON - timedelta(hours=1)
    common = {"recipient": "4915123456789", "sent_at": sent_at, "price": Decimal("0.075")}
    Store(engine).write(
        [
            Message(msg_id="81", status="DELIVERED", result="delivered", first_seen_at=NOON),
            Message(msg_id="83", status="EXPIRED", result="failed", first_seen_at=NOON, foreign_id="By-Report"),
            *(SentMessage(msg_id=id_, foreign_id=foreign, **common) for id_, foreign in (("81", "By-Sending"), ("82", None))),
            TrackedLink("82", URL, clicks=1),
            SentMessage(msg_id="83", sent_at=sent_at, recipient="4915199999999"),
        ]
    )  # fmt: skip
    by_number = trace(engine, "0151 23456789")
    assert [row["msg_id"] for row in by_number.messages] == ["81"]
    assert [(row["msg_id"], row["is_reported"]) for row in by_number.sent_messages] == [("81", True), ("82", False)]
    assert [row["sms_id"] for row in by_number.links] == ["82"]
    assert standing("sent_messages", by_number.sent_messages[1]) == (
        "Sent 2026-03-29 11:00:00 for 0.075 euros; no report of it is here"
    )
    for foreign_id, msg_id in (("by-sending", "81"), ("BY-REPORT", "83"), ("82", "82")):
        story = trace(engine, foreign_id)
        assert [row["msg_id"] for row in story.sent_messages] == [msg_id]
        assert [row["msg_id"] for row in story.messages] == ([msg_id] if msg_id != "82" else [])
    assert not trace(engine, "0151 23456780")

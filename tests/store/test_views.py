"""Views: the SQL views give the same results in both databases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, text

from seven.records import Call, LinkEvent, Message, SentMessage, TrackedLink
from store.row_writer import Store
from store.views import COMMENTS

NOON = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
HOUR = datetime(2026, 3, 29, 12, tzinfo=UTC)


def view(engine: Engine, name: str, columns: str) -> list[tuple[Any, ...]]:
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.connect() as connection:
        if schema:  # the session of a person is not in UTC
            connection.execute(text("SET TIME ZONE 'Asia/Kathmandu'"))
        return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {schema}{name} ORDER BY 1, 2"))]


def test_comments_say_how_the_views_of_links_differ(engine: Engine):
    """PostgreSQL shows beside each view of links that link_activity is less than link_totals."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            for name, comment in COMMENTS.items():
                shown = connection.execute(text(f"SELECT obj_description('seven.{name}'::regclass)"))
                assert shown.scalar_one() == comment


def hour(value: Any) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def test_delivery_rates_count_by_the_hour_of_the_first_status(engine: Engine):
    """A message counts in the hour of its first status, however late the last one is."""
    Store(engine).write(
        Message(msg_id=name, status=status, result=result, status_at=NOON + timedelta(days=2), first_seen_at=NOON)
        for name, status, result in [
            ("1", "DELIVERED", "delivered"),
            ("2", "EXPIRED", "failed"),
            ("3", "EXPIRED", "failed"),
        ]
    )
    rows = view(engine, "delivery_rates", "status, result, messages, hour")
    assert [(*row[:3], hour(row[3])) for row in rows] == [
        ("DELIVERED", "delivered", 1, HOUR),
        ("EXPIRED", "failed", 2, HOUR),
    ]


def test_links_add_up_over_recipients(engine: Engine):
    """Clicks are summed over links, never over the deliveries that reported them."""
    Store(engine).write(
        [
            TrackedLink(sms_id="1", tracking_url="a", label="spring", final_url="x", clicks=3, views=5),
            TrackedLink(sms_id="2", tracking_url="b", label="spring", final_url="x", clicks=0, views=2),
            TrackedLink(sms_id="3", tracking_url="c", label=None, final_url="x", clicks=None, views=None),
            *(LinkEvent(sms_id="1", tracking_url="a", type="click", nth=n, at=NOON) for n in (1, 2)),
            LinkEvent(sms_id="1", tracking_url="a", type="view", nth=1, at=NOON),
        ]
    )
    totals = view(engine, "link_totals", "final_url, links, label, clicked_links, clicks, views")
    assert sorted(totals, key=str) == [("x", 1, None, 0, 0, 0), ("x", 2, "spring", 1, 3, 7)]
    ((label, clicks, views, at),) = view(engine, "link_activity", "label, clicks, views, hour")
    assert (label, clicks, views, hour(at)) == ("spring", 2, 1, HOUR)


def test_call_costs_are_reported_or_computed(engine: Engine):
    """The reported total, else started minutes times price, exactly, else NULL."""
    price = Decimal("0.075")
    Store(engine).write(
        [
            Call(direction="outbound", call_id="1", duration_s=61, price_per_minute=price),
            Call(direction="outbound", call_id="2", duration_s=61, price_per_minute=price, total_price=Decimal("0.2")),
            Call(direction="outbound", call_id="3", duration_s=0, price_per_minute=price),
            Call(direction="outbound", call_id="4", price_per_minute=price),
            Call(direction="outbound", call_id="5", duration_s=180, price_per_minute=Decimal("0.1")),
            Call(direction="outbound", call_id="6", duration_s=3 * 60, price_per_minute=Decimal("9999999.99999999")),
            Call(direction="outbound", call_id="7", duration_s=7 * 60, price_per_minute=Decimal("0.00000001")),
        ]
    )
    rows = view(engine, "call_costs", "call_id, billed_minutes, cost_eur, cost_basis")
    assert [(a, b, None if c is None else Decimal(str(c)), d) for a, b, c, d in rows] == [
        ("1", 2, Decimal("0.15"), "computed"),
        ("2", 2, Decimal("0.2"), "reported"),
        ("3", 0, Decimal(0), "computed"),
        ("4", None, None, None),
        ("5", 3, Decimal("0.3"), "computed"),
        ("6", 3, Decimal("29999999.99999997"), "computed"),
        ("7", 7, Decimal("0.00000007"), "computed"),
    ]


def test_message_details_have_every_message_once(engine: Engine):
    """Messages of which webhooks told, of which only the sending is known, and both: each in one row."""
    sent = SentMessage("1", NOON, "491512345678", "Shop", "spring", "7", "26201", text="hello", price=Decimal("0.075"))
    Store(engine).write(
        [
            sent,
            Message("1", status="DELIVERED", result="delivered", delivered_at=NOON + timedelta(seconds=4.25)),
            Message("2", status="BUFFERED", result="pending", foreign_id="8"),
            SentMessage("3", NOON, "491512345679", foreign_id="9"),
        ]
    )
    columns = "msg_id, status, recipient, label, foreign_id, price, delivered_after_s, text"
    rows = view(engine, "message_details", columns)
    assert [(*row[:5], None if row[5] is None else Decimal(str(row[5])), *row[6:]) for row in rows] == [
        ("1", "DELIVERED", "491512345678", "spring", "7", Decimal("0.075"), 4.25, "hello"),
        ("2", "BUFFERED", None, None, "8", None, None, None),
        ("3", None, "491512345679", None, "9", None, None, None),
    ]


def test_message_details_are_answered_by_indexes(engine: Engine):
    """A message by its id, and the messages of a time, without a scan of either table."""
    with engine.connect() as connection:
        is_file = engine.dialect.name == "sqlite"
        schema, explain = ("", "EXPLAIN QUERY PLAN") if is_file else ("seven.", "EXPLAIN")
        if not is_file:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for condition in ("msg_id = '1'", "sent_at >= '2026-03-29'", "label = 'spring' AND sent_at >= '2026-03-29'"):
            query = f"{explain} SELECT * FROM {schema}message_details WHERE {condition}"
            plan = "\n".join(str(row[-1]) for row in connection.execute(text(query)))
            assert "Seq Scan" not in plan, condition
            assert "SCAN messages" not in plan, plan
            assert "SCAN sent" not in plan, plan

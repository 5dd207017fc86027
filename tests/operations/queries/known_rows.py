"""Known rows: a handful of records whose answers to every named query are known."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from seven.archive_records import ArchivedDelivery
from seven.record import Record
from seven.records import (
    Call,
    InboundMessage,
    LinkEvent,
    Message,
    MessageReceipt,
    MessageStatus,
    OptOutEvent,
    SentMessage,
    TrackedLink,
)
from store.archive import first_id

NOW = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
TODAY, YESTERDAY = "2026-03-29", "2026-03-28"
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
PERSON, OURS = "491710000001", "4930111"


def message(name: str, began: datetime, *statuses: tuple[str, datetime]) -> list[Record]:
    """A message with its history; the last status stands."""
    results = {"DELIVERED": "delivered", "EXPIRED": "failed", "TRANSMITTED": "pending", "NEW": "unknown"}
    status, at = statuses[-1]
    delivered = [time for name, time in statuses if name == "DELIVERED"]
    standing = Message(
        msg_id=name, status=status, result=results[status], final=results[status] in ("delivered", "failed"),
        status_at=at, foreign_id=f"order-{name}", first_seen_at=began, last_seen_at=at,
        delivered_at=min(delivered, default=None),
    )  # fmt: skip
    return [standing, *(MessageStatus(msg_id=name, status=status, at=at) for status, at in statuses)]


def rows() -> list[Record]:
    """Everything that the tests ask about, and what lies just outside."""
    yesterday = NOW - DAY
    return [
        *message("1", yesterday, ("TRANSMITTED", yesterday), ("DELIVERED", yesterday + 4 * SECOND)),
        *message("2", yesterday, ("TRANSMITTED", yesterday), ("DELIVERED", yesterday + 10.5 * SECOND)),
        *message("3", yesterday, ("DELIVERED", yesterday + HOUR), ("EXPIRED", NOW - HOUR)),
        *message("4", NOW - HOUR, ("TRANSMITTED", NOW - HOUR)),
        *message("5", NOW - HOUR, ("DELIVERED", NOW - HOUR)),
        *message("6", NOW - 30 * HOUR, ("NEW", NOW - 30 * HOUR)),
        *message("old", NOW - 60 * DAY, ("TRANSMITTED", NOW - 60 * DAY)),
        *sent(),
        *links(),
        *calls(),
        *deliveries(),
        InboundMessage(id="a", channel="sms", sender=PERSON, recipient=OURS, text="yes", sent_at=NOW),
        InboundMessage(id="b", channel="sms", sender=f"+{PERSON}", recipient=OURS, text="STOP", sent_at=NOW - DAY),
        InboundMessage(id="c", channel="sms", sender="SMS", recipient="4930222", text="no", sent_at=NOW - 2 * DAY),
        InboundMessage(id="e", sender=PERSON, agent_id="bakery", channel="rcs", text="rolls?", sent_at=NOW - 2 * HOUR),
        *receipts(),
        *opt_outs(),
        InboundMessage(
            id="d", channel="sms", sender=f"{PERSON}9", recipient=OURS, text="another's", sent_at=NOW - 60 * DAY
        ),
    ]


def receipts() -> list[Record]:
    """Two messages delivered yesterday, of which one was read, twice; a third was read, delivered no report says."""
    received = [
        ("1", "delivered", NOW - DAY), ("1", "read", NOW - DAY + HOUR), ("1", "read", NOW), ("2", "delivered", NOW - DAY),
        ("3", "read", NOW), ("5", "delivered", NOW - HOUR), ("5", "read", NOW),
    ]  # fmt: skip
    return [MessageReceipt(msg_id=msg_id, kind=kind, at=at) for msg_id, kind, at in received]


def opt_outs() -> list[Record]:
    """One person who opts out and in again, another who opts out, and one of long ago."""
    events = [
        (PERSON, "out", NOW - DAY), (PERSON, "in", NOW), (f"{PERSON}9", "out", NOW), (PERSON, "out", NOW - 60 * DAY),
    ]  # fmt: skip
    return [
        OptOutEvent(number=number, recipient=OURS, channel="sms", at=at, state=state, inbound_id=f"{nth}")
        for nth, (number, state, at) in enumerate(events)
    ]


def sent() -> list[Record]:
    """Two messages of one label that were clicked, one of another that failed, one without a report, an old one."""
    return [
        SentMessage("1", NOW - DAY, PERSON, label="spring", mccmnc="26201", price=Decimal("0.075")),
        SentMessage("2", NOW - DAY, PERSON, label="spring", mccmnc="26201", price=Decimal("0.075")),
        SentMessage("3", NOW - DAY, PERSON, label="autumn", mccmnc="26203", price=Decimal("0.08")),
        SentMessage("9", NOW, PERSON, sender=OURS, text="Is it you?"),
        SentMessage("old", NOW - 60 * DAY, PERSON, label="spring", mccmnc="26201", price=Decimal("0.075")),
    ]


def scheduled() -> list[Record]:
    """A message that the gateway accepted four days before it was sent, today, and one that it will send tomorrow."""
    price = Decimal("0.075")
    return [
        *message("7", NOW - 4 * DAY, ("TRANSMITTED", NOW - 4 * DAY), ("DELIVERED", NOW - HOUR)),
        *message("8", NOW - 4 * DAY, ("TRANSMITTED", NOW - 4 * DAY)),
        SentMessage("7", NOW - HOUR, PERSON, label="spring", mccmnc="26201", price=price),
        SentMessage("8", NOW + DAY, PERSON, label="spring", mccmnc="26201", price=price),
    ]


def links() -> list[Record]:
    """Two links of one label, one of another, and one that nobody has opened for long."""
    yesterday, url = NOW - DAY, "https://ul.gl/"
    clicks = [("1", yesterday + SECOND), ("1", yesterday + HOUR), ("2", yesterday + 26 * HOUR), ("x", NOW)]
    return [
        TrackedLink(
            sms_id="1", tracking_url=f"{url}1", label="spring", clicks=2, views=3, first_at=yesterday, last_at=NOW
        ),
        TrackedLink(sms_id="2", tracking_url=f"{url}2", label="spring", clicks=1, first_at=NOW, last_at=NOW),
        TrackedLink(sms_id="x", tracking_url=f"{url}x", label=None, clicks=0, views=1, first_at=NOW, last_at=NOW),
        TrackedLink(sms_id="y", tracking_url=f"{url}y", label="autumn", clicks=9, first_at=NOW - 60 * DAY),
        *(
            LinkEvent(sms_id=sms_id, tracking_url=f"{url}{sms_id}", type="click", nth=nth, at=at)
            for nth, (sms_id, at) in enumerate(clicks)
        ),
        LinkEvent(sms_id="1", tracking_url=f"{url}1", type="view", nth=1, at=yesterday),
    ]


def calls() -> list[Record]:
    """Two outbound calls on one day, two inbound, one of them with a withheld number."""
    price = Decimal("0.075")
    return [
        Call(
            direction="outbound", call_id="10", caller=OURS, recipient=PERSON, status="completed", duration_s=61,
            price_per_minute=price, started_at=NOW - 2 * HOUR,
        ),
        Call(direction="outbound", call_id="11", caller=OURS, recipient="49172", status="busy", started_at=NOW),
        Call(direction="inbound", call_id="10", caller=f"00{PERSON}", recipient="4930222", started_at=NOW - DAY),
        Call(direction="inbound", call_id="12", recipient="4930222", started_at=NOW - DAY),
        Call(direction="outbound", call_id="old", caller=OURS, recipient="49172", started_at=NOW - 60 * DAY),
    ]  # fmt: skip


def deliveries() -> list[Record]:
    """Webhooks of two days, one of them parked."""
    received = [
        (NOW, "dlr", "applied"), (NOW - HOUR, "dlr", "applied"), (NOW - DAY, "new_type", "parked"),
        (NOW - 60 * DAY, "dlr", "applied"),
    ]  # fmt: skip
    return [
        ArchivedDelivery(id=f"{first_id(at)}-7000-8000", event_type=event_type, outcome=outcome, received_at=at)
        for at, event_type, outcome in received
    ]

"""Browsed pages: what the test with a browser looks at; and a database with a scenario and hostile texts in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from console.pages import PAGES
from emulator.scenarios import scenario
from seven.envelope import Envelope
from seven.field_types import storable
from seven.record import Record
from seven.records import MissedWebhook, SentMessage
from store.archive import first_id
from store.row_writer import Store
from tests.factories.envelopes import Accept
from workers.consumer import Consumer

HOSTILE = {
    "script": "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "bidi": "\u202egnp.exe\u2066 \u200f",
    "controls": "a\x00b\x1b[31mred\x07",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 ☎️",
    "long": "word" * 2500,
    "template": "{{ 7 * 7 }} {% raw %}",
}
NUMBER = "4915112345678"
LINK = {
    "sms_id": "77001",
    "tracking_url": "https://ul.gl/abc",
    "sms_label": "spring-sale",
    "final_url": "https://shop.example/spring",
}
KNOWN: list[tuple[str, dict[str, object]]] = [
    ("dlr", {"msg_id": "77001", "status": "ACCEPTED", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "77001", "status": "DELIVERED", "foreign_id": "order-1"}),
    ("dlr", {"msg_id": "77001", "status": "DELIVERED", "foreign_id": "order-1"}),
    ("tracking", {**LINK, "type": "click", "total_clicks": 1}),
    ("tracking", {**LINK, "type": "click", "total_clicks": 3}),
    ("sms_mo", {"id": "66001", "sender": NUMBER, "system": "4930123", "text": "Thank you, it has arrived."}),
    ("voice_call", {"id": "88001", "caller": NUMBER, "system": "4930123"}),
]
"""The deliveries of one customer: a message that arrived, of which one report came twice; a click of two was not reported."""


@dataclass(frozen=True, slots=True)
class Browsed:
    """One look at a page: its address, and what is typed into the box on it, if anything is."""

    name: str
    path: str
    search: str | None = None


def _by_address() -> list[Browsed]:
    """Every page that a link can lead to: those without a parameter; a CSV file is no page."""
    paths = [page for page in PAGES if "GET" in page.methods and "{" not in page.path]
    return [Browsed(page.name, page.path) for page in paths if not page.path.endswith(".csv")]


KEYS = {
    "message": "77001",
    "foreign-id": "ORDER-1",
    "number": "0151 12345678",
    "call": "88001",
    "short-url": "ul.gl/abc",
    "label": "spring-sale",
    "nothing": "4930999999",
}
"""What is typed into the box, by kind: the records of KNOWN in other spellings than they came in, and one of nothing."""
BROWSED: list[Browsed] = [
    *_by_address(),
    Browsed("week", "/?hours=168"),
    Browsed("failed", "/messages?result=failed"),
    Browsed("delivered", "/queries/deliveries_by_day"),
    Browsed("person", "/queries/person"),
    Browsed("nowhere", "/nowhere"),
    *(Browsed(f"search-{kind}", "/", text) for kind, text in KEYS.items()),
]
SCREENSHOTS = {(1280, "light"), (360, "dark")}
"""The views of which screenshots are kept."""
PICTURES = {"overview", "messages", "links", "dead-letters", "delivered", "search-message", "search-number", "sent"}
"""The pages of which screenshots are kept, to stay small."""


def play_scenario(consumer: Consumer, accept: Accept, store: Store, *, hostile: bool = True) -> None:
    """Fill the database by way of the ledger: a scenario of the last hours, and, if `hostile`, texts that mean harm in each field.

    And what the journal brings: what was sent, and which webhooks are missing.
    """
    now = datetime.now(UTC)
    events = scenario(5, now=now + timedelta(days=2, hours=12), messages=40)
    past = [event for event in events if event.occurred_at < now]
    lines: dict[str, list[Envelope]] = {}
    names = _names(now)
    for event in past:
        payload = {
            "webhook_event": event.event_type,
            "webhook_timestamp": event.webhook_timestamp,
            "data": dict(event.fields),
        }
        lines.setdefault(event.event_type, []).append(Envelope(names(), event.event_type, now, "JSON", payload))
    for number, (event_type, data) in enumerate(KNOWN):
        at = {"dlr": "timestamp", "sms_mo": "time", "voice_call": "time"}.get(event_type)
        seconds = int(now.timestamp()) - 60 + 10 * min(number, 1)
        payload = {
            "webhook_event": event_type,
            "webhook_timestamp": now.isoformat(),
            "data": data | ({at: seconds} if at else {}),
        }
        lines.setdefault(event_type, []).append(Envelope(names(), event_type, now, "JSON", payload))
    for number, text in enumerate(HOSTILE.values() if hostile else ()):
        sms = {
            "id": f"hostile{number}",
            "sender": NUMBER,
            "system": "4930123",
            "text": text,
            "time": int(now.timestamp()),
        }
        dlr = {"msg_id": f"9{number}", "status": text[:40], "foreign_id": text[:100], "timestamp": int(now.timestamp())}
        click = {"sms_id": f"9{number}", "tracking_url": "https://ul.gl/x", "sms_label": text[:100], "final_url": text[:100],
                 "type": "click", "total_clicks": 1}  # fmt: skip
        for event_type, data in (("sms_mo", sms), ("dlr", dlr), ("tracking", click)):
            payload = {"webhook_event": event_type, "data": data}
            lines.setdefault(event_type, []).append(Envelope(names(), event_type, now, "JSON", payload))
        parked = Envelope(names(), text[:60], now, "JSON", {"webhook_event": text[:60], "data": {"text": text[:500]}})
        lines.setdefault("parked", []).append(parked)
    store.write(_from_the_journal(now, list(HOSTILE.values()) if hostile else []))
    for queue, envelopes in lines.items():
        consumer.consume(queue, [accept(*envelopes, queue=queue)])


def _from_the_journal(now: datetime, texts: list[str]) -> Iterator[Record]:
    at = now - timedelta(minutes=2)
    common = {"sent_at": at, "recipient": NUMBER, "price": Decimal("0.075"), "connection": "http"}
    yield SentMessage(
        "77001", label="spring-sale", sender="Shop", text="Your parcel is on its way.", mccmnc="26201", **common
    )
    yield SentMessage(
        "77002", label="spring-sale", sender="Shop", text="Your parcel is on its way.", mccmnc="26203", **common
    )
    yield MissedWebhook("dlr", "77002", "DELIVERED", found_at=now, journal_at=at - timedelta(days=4), state="missed")
    for number, text in enumerate(map(storable, texts)):
        short = text[:100]
        yield SentMessage(f"9{number}", label=short, sender=short, text=text, foreign_id=short, channel=short, **common)
        yield MissedWebhook("dlr", f"9{number}", text[:40], found_at=now, journal_at=at, state="late")


def _names(now: datetime) -> Callable[[], str]:
    """Ids of deliveries of that time, each once."""
    numbers = iter(range(100_000))
    return lambda: f"{first_id(now)}-7000-8000-{next(numbers):012x}"

"""The overview: checks, what waits, plots and the last deliveries; it is shown without whatever does not answer."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from gateway.hook_state import HookState, HookStates, latest_state
from ledger.client import Ledger
from operations.journal_state import JournalState, JournalStates, latest_journal
from seven.envelope import Envelope
from seven.events import EVENT_TYPES
from seven.records import MissedWebhook
from store.row_writer import Store
from tests.console.browsed_pages import HOSTILE, NUMBER, play_scenario
from tests.console.conftest import ANNA, BEN, LOGINS, Visitor
from tests.factories.envelopes import Accept, envelope
from tests.servers import eventually
from workers.consumer import Consumer

BOTH = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])


def overview(visitor: Visitor, redis_url: str, login: tuple[str, str] = ANNA, path: str = "/") -> str:
    """The page once everything on it has been read: a slow machine may need several looks."""
    client = visitor(redis_url=redis_url, seven_console_auth=LOGINS)

    def complete() -> str:
        text = client.get(path, auth=login).text
        return "" if re.search("still\\s+being|checks are running|cannot be read", text) else text

    return eventually(complete, every_s=0.5)


@BOTH
def test_it_shows_a_scenario(visitor: Visitor, redis_url: str, consumer: Consumer, accept: Accept, engine: Engine):
    """Deliveries by type, messages by result, clicks, calls, what is parked, and what the last ones said."""
    play_scenario(consumer, accept, Store(engine))
    text = overview(visitor, redis_url)

    assert text.count("<svg viewBox") == 5
    for word in ("delivered", "other types", "no report"):
        assert f"{word} <b>" in text
    for word in ("message statuses", "inbound SMS", "call statuses"):
        assert f'{word} <span class="soft">' in text
    assert re.search(r"parked</dt>\s*<dd><b>6</b>", text)
    assert "messages, by their first status, in 24 hours" in text
    assert "The last 24 hours" in text
    assert "The last 7 days" in overview(visitor, redis_url, path="/?hours=168")


def test_hostile_texts_are_texts(visitor: Visitor, redis_url: str, consumer: Consumer, accept: Accept, engine: Engine):
    """No tag of theirs, no control character and no control of direction comes through; long ones are cut."""
    play_scenario(consumer, accept, Store(engine))
    text = overview(visitor, redis_url)

    assert "&lt;script&gt;document.title" in text
    assert "<script>document" not in text
    assert "<img" not in text
    assert not [char for char in text if char not in "\n\u200d" and not char.isprintable()]
    assert HOSTILE["long"][:200] not in text
    assert HOSTILE["template"] in text  # 7 * 7 is no expression of ours


def test_texts_are_masked_for_who_may_not_see_them(
    visitor: Visitor, redis_url: str, consumer: Consumer, accept: Accept
):
    """The last deliveries tell one viewer what was written, and the other how much."""
    secret = envelope(
        "018f0000-0000-7000-8000-000000000001",
        "sms_mo",
        id="1",
        sender=NUMBER,
        system="4930",
        text="meet me",
        time=1777600000,
    )
    consumer.consume("sms_mo", [accept(secret, queue="sms_mo")])

    assert "meet me" in overview(visitor, redis_url)
    masked = overview(visitor, redis_url, BEN)
    assert "meet me" not in masked
    assert NUMBER not in masked
    assert "numbers and texts are masked" in masked


def test_numbers_in_labels_are_masked(visitor: Visitor, redis_url: str, consumer: Consumer, accept: Accept):
    """A plot names the labels of links: one viewer sees them, the other as lists mask them, what looks alike together."""
    labels = ("Order of +49 151 23456789", "Order of +49 160 11111189")
    for n, label in enumerate(labels, 1):
        click = {"sms_id": f"7{n}", "tracking_url": "https://ul.gl/x", "sms_label": label, "final_url": "https://x.example",
                 "type": "click", "total_clicks": 1}  # fmt: skip
        payload = {"webhook_event": "tracking", "data": click}
        name = f"018f0000-0000-7000-8000-00000000000{n}"
        consumer.consume(
            "tracking", [accept(Envelope(name, "tracking", datetime.now(UTC), "JSON", payload), queue="tracking")]
        )

    full, masked = overview(visitor, redis_url), overview(visitor, redis_url, BEN)
    assert all(f"{label} <b>1</b>" in full for label in labels)
    assert "Order of +49…89 <b>2</b>" in masked
    assert not [label for label in labels if label in masked]


def test_it_says_what_does_not_answer(visitor: Visitor):
    """Without Redis the tables are shown, and the checks say that Redis does not answer."""
    text = overview(visitor, "redis://127.0.0.1:1/0")
    assert "Redis does not answer" in text
    assert "Last webhooks" in text
    assert "None has come yet" in text


def test_hooks_are_shown_without_an_api_key(visitor: Visitor, redis_url: str, ledger: Ledger):
    """The reconciler leaves them in Redis for whoever does not know the account; the account read last counts."""
    assert latest_state(ledger.redis) == HookState()
    HookStates(ledger.redis, "an account").save(HookState(read_ms=1, drift=5, count=7))
    HookStates(ledger.redis, "another").save(HookState(read_ms=2, drift=2, count=3))
    assert latest_state(ledger.redis).count == 3

    text = overview(visitor, redis_url)
    assert re.search(r"<b>3</b> listed, 2 not as desired", text)
    assert "SEVEN_API_KEY" not in text


def test_what_the_journal_misses_is_shown_without_an_api_key(
    visitor: Visitor, redis_url: str, ledger: Ledger, engine: Engine
):
    """How many webhooks are missing, of how many rows, and why if nobody knows; the account read last counts."""
    assert "journal" not in overview(visitor, redis_url)
    now = datetime.now(UTC)
    Store(engine).write(
        MissedWebhook("dlr", id_, "DELIVERED", found_at=now, journal_at=now, state=state)
        for id_, state in (("1", "late"), ("2", "missed"), ("3", "missed"), ("4", "came"), ("5", "uncovered"))
    )
    ended = JournalState(
        read_until=now.isoformat(), ended_ms=int(now.timestamp() * 1000), rows=1200, requests=14, unwatched=7
    )
    JournalStates(ledger.redis, "another").save(JournalState(failure="HTTP 500"))
    JournalStates(ledger.redis, "an account").save(ended)

    text = re.sub(r"\s+", " ", overview(visitor, redis_url))
    assert '<b>2</b> webhooks, 1 late <a href="/missed">look</a>' in text
    assert "last reading: 1&#8239;200 rows with 14 requests; 7 that no hook of this installation covers" in text
    assert "2 webhooks never came, 1 is late" in text

    JournalStates(ledger.redis, "an account").fail("HTTP 503")
    client = visitor(redis_url=redis_url)
    assert eventually(lambda: "unknown: HTTP 503" in client.get("/").text, every_s=0.5)
    assert latest_journal(ledger.redis) == replace(ended, failure="HTTP 503")


def test_each_event_type_has_a_title():
    """For people who know SMS, and not the gateway's names."""
    assert all(event.title != name for name, event in EVENT_TYPES.items())


@pytest.mark.parametrize("hours", ["0", "25", "x", "-1", "168.0", "9" * 5000])
def test_a_span_that_makes_no_sense_gets_a_sentence(visitor: Visitor, hours: str):
    """400, and which spans there are."""
    answer = visitor().get("/", params={"hours": hours})
    assert answer.status_code == 400
    assert "The overview shows 24 or 168 hours." in answer.text

"""Erasure and export of what was sent: by its number, messages are found that knew none, in both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.erasure import Eraser
from operations.erasure_matches import Erasure
from operations.person_export import PersonExport
from seven.records import Message, SentMessage
from store.row_writer import Store
from tests.factories.archive import rows
from tests.factories.envelopes import NOW, Accept
from tests.factories.traces import NUMBER, OTHERS, THEIRS, all_text, consume_all, event_envelope
from tests.operations.erasures import erased
from workers.consumer import Consumer

SENT = [
    SentMessage("31", NOW, f"+{THEIRS}", "Shop", "spring", "order-31", text="hello", journal_read_at=NOW),
    SentMessage("32", NOW, OTHERS, "Shop", "spring", "order-32", text="hello", journal_read_at=NOW),
    SentMessage("33", NOW, OTHERS, "Shop", text=f"ask {THEIRS}", journal_read_at=NOW),
    SentMessage("34", NOW, THEIRS, "Shop", "anna", journal_read_at=NOW),
]


def deliveries(msg_id: str) -> dict[str, Any]:
    """A status and a click of one message; neither has a number."""
    status = event_envelope("dlr", f"d{msg_id}", msg_id=msg_id, status="DELIVERED", foreign_id=f"order-{msg_id}")
    click = event_envelope(
        "tracking", f"t{msg_id}", sms_id=msg_id, tracking_url=f"https://ul.gl/{msg_id}", type="click", total_clicks=1,
        final_url=f"https://shop.example/{msg_id}",
    )  # fmt: skip
    return {"dlr": [status], "tracking": [click]}


@pytest.fixture
def sent(engine: Engine, consumer: Consumer, accept: Accept) -> None:
    Store(engine).write(SENT)
    for msg_id in ("31", "32"):
        consume_all(consumer, accept, deliveries(msg_id))


@pytest.mark.usefixtures("sent")
def test_a_number_reaches_its_messages(engine: Engine, ledger: Ledger):
    """What was sent, the status, the link and the payloads of it; other people's stay, and so does their campaign."""
    before = rows(engine)
    erasure = erased(engine, ledger)
    assert erasure.left is None
    after, text = rows(engine), all_text(engine)
    assert not NUMBER.is_in(text)
    assert not [word for word in ("order-31", "shop.example/31", "anna") if word in text]
    assert after["sent_messages", ("31",)] == SentMessage("31", NOW, label="spring", journal_read_at=NOW)
    assert after["sent_messages", ("33",)] == SentMessage("33", NOW, OTHERS, "Shop", journal_read_at=NOW)
    message = after["messages", ("31",)]
    assert isinstance(message, Message)
    assert (message.status, message.foreign_id) == ("DELIVERED", None)
    theirs = {("sent_messages", (number,)) for number in ("31", "33", "34")} | {
        ("messages", ("31",)), ("links", ("31", "https://ul.gl/31")), ("deliveries", ("d31",)), ("deliveries", ("t31",)),
    }  # fmt: skip
    assert {where for where in before if before[where] != after.get(where)} == theirs


@pytest.mark.usefixtures("sent")
def test_an_export_reaches_them_too(engine: Engine, ledger: Ledger):
    """Every row that an erasure would change, whole; of another person's what names this one."""
    entries = {
        (section, str(entry.get("msg_id") or entry.get("sms_id") or entry["id"])): entry
        for section, entry in PersonExport(engine, ledger, NUMBER).entries(lambda _: None)
    }
    assert set(entries) == {
        ("sent_messages", "31"), ("sent_messages", "33"), ("sent_messages", "34"), ("messages", "31"), ("links", "31"),
        ("deliveries", "d31"), ("deliveries", "t31"),
    }  # fmt: skip
    assert entries["sent_messages", "31"]["text"] == "hello"
    assert entries["messages", "31"]["matched_by"] == "record"
    other = entries["sent_messages", "33"]
    assert other == {"matched_by": "content", "msg_id": "33", "text": f"ask {THEIRS}"}


@pytest.mark.usefixtures("sent")
def test_what_waits_is_found_before_its_number_goes(engine: Engine, ledger: Ledger, consumer: Consumer, accept: Accept):
    """A status that waits is known by what was sent alone, so that is blanked once it has been consumed."""
    batch = accept(*deliveries("34")["dlr"], queue="dlr")
    erasure = erased(engine, ledger)
    assert erasure.left is not None
    assert (erasure.left.waiting, THEIRS in all_text(engine)) == (1, True)

    def work(_: float) -> None:
        consumer.consume("dlr", [batch])

    erasure = Erasure()
    Eraser(engine, ledger, NUMBER).erase(erasure, 10, work)
    assert erasure.left is None
    assert not NUMBER.is_in(text := all_text(engine))
    assert "order-34" not in text


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("steps", range(6))
def test_interrupted_and_repeated(engine: Engine, ledger: Ledger, steps: int):
    """Wherever it is interrupted, another run finds all the rest."""
    left = iter(range(steps))

    def interrupt(_: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    try:
        erased(engine, ledger, pause=interrupt)
    except KeyboardInterrupt:
        assert erased(engine, ledger).left is None
    assert not [word for word in ("order-31", "shop.example/31", THEIRS) if word in all_text(engine)]


def test_a_label_with_the_number_goes(engine: Engine, ledger: Ledger):
    """Though others have the same; and a label that one person alone has."""
    Store(engine).write(
        SentMessage(number, NOW - timedelta(1), to, label=label)
        for number, to, label in [("1", THEIRS, f"for {THEIRS}"), ("2", OTHERS, f"for {THEIRS}"), ("3", OTHERS, "only")]
    )
    erased(engine, ledger)
    assert {row.label for row in rows(engine).values() if isinstance(row, SentMessage)} == {None, "only"}

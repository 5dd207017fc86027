"""Sent messages: what the gateway's outbound list says of a message; an odd value spoils no other."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from seven.records import SentMessage
from seven.sent_messages import sent_message
from tests.gateway.journal_stub import outbound

READ_AT = datetime(2026, 3, 3, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 2, 11, 0, 0, 250_000, tzinfo=UTC)


def message(*, texts: bool = True, **changes: Any) -> SentMessage:
    return sent_message(outbound(7, **changes), READ_AT, texts=texts)


def test_a_row_reads_as_a_sent_message():
    """Every field in our words; the time with its milliseconds."""
    row = {"label": "spring", "foreign_id": "order 7", "channel": "sms"}
    assert message(**row) == SentMessage(
        msg_id="7", sent_at=SENT_AT, recipient="49176123456789", sender="seven.io", label="spring", foreign_id="order 7",
        mccmnc="26203", channel="sms", connection="http", text="Hello", journal_read_at=READ_AT, price=Decimal("0.075"),
    )  # fmt: skip


def test_texts_are_read_only_where_they_are_kept():
    """Nor where the time of sending is unknown: nobody would know when the text is old."""
    assert message(texts=False).text is None
    assert message(timestamp="2026-03-02 05:50:63.102").text is None


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        pytest.param("timestamp", "2026-03-02 05:50:63.102", "sent_at", None, id="impossible time"),
        pytest.param("timestamp", None, "sent_at", None, id="no time"),
        pytest.param("timestamp", "2099-01-01 00:00:00", "sent_at", None, id="absurd time"),
        pytest.param("to", "", "recipient", None, id="no recipient"),
        pytest.param("to", 49176123456789, "recipient", "49176123456789", id="number as number"),
        pytest.param("to", ["4917"], "recipient", None, id="a list"),
        pytest.param("to", "4" * 300, "recipient", None, id="no number is so long"),
        pytest.param("label", "x" * 256, "label", None, id="too long for an index"),
        pytest.param("label", "a\0b", "label", "a\ufffdb", id="not storable as it is"),
        pytest.param("price", 0.075, "price", Decimal("0.075"), id="price as number"),
        pytest.param("price", "free", "price", None, id="no price"),
        pytest.param("price", "0,075", "price", None, id="another notation"),
        pytest.param("mccmnc", 26203, "mccmnc", "26203", id="network as number"),
    ],
)
def test_an_odd_value_is_left_out(name: str, value: object, field: str, expected: object):
    """The others are read all the same."""
    odd = message(**{name: value})
    assert getattr(odd, field) == expected
    assert (odd.msg_id, odd.sender) == ("7", "seven.io")


def test_a_scheduled_message_has_its_time():
    later = READ_AT + timedelta(days=90)
    assert message(timestamp=f"{later:%Y-%m-%d %H:%M:%S}").sent_at is not None

"""Masking: who somebody is, and what they wrote, is not shown; everything else is."""

from typing import Any

import pytest

from operations.masking import MASKS, masked_row, masked_value
from operations.record_lists import LISTS
from store.personal_columns import PAYLOADS, RECORDS
from tests.factories.traces import THEIRS


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        pytest.param("sender", "491512345678", "+49…78", id="number"),
        pytest.param("sender", "+49 151 2345678", "+49…78", id="number with spaces"),
        pytest.param("sender", "00491512345678", "+49…78", id="number with zeros"),
        pytest.param("sender", "01512345678", "0…78", id="local number"),
        pytest.param("sender", "15551234567", "+1…67", id="country code of one digit"),
        pytest.param("sender", "999999999999", "+…99", id="no country's"),
        pytest.param("sender", "Shop", "Shop", id="name"),
        pytest.param("sender", "32665", "32665", id="short code"),
        pytest.param("sender", "anna@example.org", "an…rg", id="e-mail address"),
        pytest.param("sender", "", "", id="empty"),
        pytest.param("text", "meet me at 8", "••• (12 characters)", id="text"),
        pytest.param("payload", "", "", id="no text"),
        pytest.param("foreign_id", "customer-4711", "cu…11", id="foreign id"),
        pytest.param("foreign_id", "4711", "•••", id="short foreign id"),
        pytest.param("tracking_url", "https://ul.gl/EUGClu", "ul.gl/…", id="short URL"),
        pytest.param("final_url", "https://shop.example/?customer=7", "shop.example/…", id="target"),
        pytest.param("final_url", "https://shop.example/", "shop.example", id="target without path"),
        pytest.param("final_url", "https://anna:x@shop.example/", "•••", id="target with a login"),
        pytest.param("final_url", "https://491512345678.example/", "+49…78.example", id="number as host"),
        pytest.param("label", "spring 2026-03-29", "spring 2026-03-29", id="label with a day"),
        pytest.param("label", "spring-20260329", "spring-20260329", id="label with a day in digits"),
        pytest.param("label", "for +49 151 2345678!", "for +49…78!", id="label with a number"),
        pytest.param("subject", "77149843739", "77149843739", id="message"),
        pytest.param("subject", "77149843739 https://ul.gl/EUGClu", "77149843739 ul.gl/…", id="link"),
        pytest.param("subject", "outbound 284195", "outbound 284195", id="call"),
        pytest.param("subject", f"inbound {'0f' * 16}", "inbound •••", id="call without an id"),
        pytest.param("subject", "0f" * 16, "•••", id="inbound SMS without an id"),
        pytest.param("id", "0f" * 16, "•••", id="digest"),
        pytest.param(
            "id", "0192d1f0-9d7c-7c3e-8a0e-0123456789ab", "0192d1f0-9d7c-7c3e-8a0e-0123456789ab", id="delivery"
        ),
        pytest.param("msg_id", "77149843739", "77149843739", id="what is not masked"),
        pytest.param("text", None, None, id="nothing"),
    ],
)
def test_what_is_left_of_a_value(kind: str, text: str | None, expected: str | None):
    """Enough to recognise it, too little to know it."""
    assert masked_value(kind, text) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            {"direction": "inbound", "caller": THEIRS, "recipient": "4930123456"},
            ["+49…78", "4930123456"],
            id="call to us",
        ),
        pytest.param(
            {"direction": "outbound", "caller": "4930123456", "recipient": THEIRS},
            ["4930123456", "+49…78"],
            id="call of ours",
        ),
        pytest.param({"sender": THEIRS, "recipient": "4930123456"}, ["+49…78", "4930123456"], id="inbound SMS"),
    ],
)
def test_our_own_number_stays(row: dict[str, Any], expected: list[str]):
    """It is no person's, and says which of our lines it was."""
    masked = masked_row(row)
    assert [masked[name] for name in row if name != "direction"] == expected


def test_of_what_was_sent_neither_number_stays():
    """Of a message that was forwarded, the sender is a person."""
    row = {"sender": THEIRS, "recipient": THEIRS, "label": "spring"}
    assert masked_row(row, LISTS["sent"].ours) == {"sender": "+49…78", "recipient": "+49…78", "label": "spring"}


def test_histories_are_masked():
    """A row of a story has its history in it."""
    row = {"msg_id": "7", "history": [{"status": f"seen by {THEIRS}", "at": None}]}
    assert masked_row(row) == {"msg_id": "7", "history": [{"status": "seen by +49…78", "at": None}]}


def test_every_personal_column_is_masked():
    """What an erasure blanks or renames, a viewer without the right to it does not see."""
    personal = {name for table in RECORDS for name in (*table.columns, table.key) if name}
    assert (personal | {PAYLOADS.columns[0]}) <= MASKS.keys()

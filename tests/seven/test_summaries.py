"""Summaries: what a delivery said, for people; masked without anything that a sender is free to write."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.events import EVENT_TYPES
from seven.summaries import LONGEST_SUMMARY, summarise
from tests.seven.event_fields import SHAPES

NUMBER = "4915123456789"
LINK = {"sms_id": "77", "tracking_url": "https://go.example/Ab1", "type": "click", "total_clicks": 3}


def payload(event_type: str | None, **data: Any) -> str:
    return json.dumps({"data": data, "webhook_event": event_type, "webhook_timestamp": "2026-03-29T12:00:00+02:00"})


@pytest.mark.parametrize(
    ("event_type", "data", "expected", "masked"),
    [
        pytest.param("dlr", {"msg_id": "7", "status": "DELIVERED"}, "DELIVERED", "DELIVERED", id="status"),
        pytest.param("dlr", {"msg_id": "7", "status": NUMBER}, NUMBER, "an unknown status", id="unknown status"),
        pytest.param("sms_mo", {"sender": NUMBER, "text": "Yes,\n please"}, "Yes, please", "a text of 12 characters", id="SMS"),
        pytest.param("sms_mo", {"sender": NUMBER, "text": " "}, "an empty text", "an empty text", id="empty SMS"),
        pytest.param("tracking", LINK, "click 3 on go.example/Ab1", "click 3", id="click"),
        pytest.param("tracking", {**LINK, "sms_label": "spring"}, "click 3 on spring", "click 3", id="click with label"),
        pytest.param("tracking", {**LINK, "type": "view", "total_views": "0"}, "view 0 on go.example/Ab1", "view 0", id="view"),
        pytest.param("tracking", {**LINK, "type": "swipe"}, "swipe on go.example/Ab1", "an unknown activity", id="unknown activity"),
        pytest.param("tracking", {**LINK, "type": None}, "activity on go.example/Ab1", "activity", id="no activity"),
        pytest.param("voice_call", {"caller": NUMBER}, f"from {NUMBER}", "an incoming call", id="call in"),
        pytest.param("voice_status", {"id": "1", "status": "completed", "duration": "42"}, "completed, 42 s", "completed, 42 s", id="call out"),
        pytest.param("voice_status", {"id": "1", "status": "ringing", "duration": 0}, "ringing", "ringing", id="no duration yet"),
        pytest.param("mms", {"msg_id": "9", "status": "READ", "more": {"a": 1}}, "msg_id: 9, status: READ, more: …", "3 fields", id="unknown type"),
        pytest.param(None, {"status": "READ"}, "status: READ", "1 field", id="no type"),
        pytest.param("dlr", {"msg_id": "", "status": "DELIVERED"}, "status: DELIVERED", "1 field", id="a wrong field"),
        pytest.param("dlr", {}, "no fields", "no fields", id="nothing"),
    ],
)  # fmt: skip
def test_what_a_delivery_said(event_type: str | None, data: dict[str, Any], expected: str, masked: str):
    """From its text in the database, from its fields, and as a flat form; masked only what we know beforehand."""
    for given_payload in (payload(event_type, **data), json.loads(payload(event_type, **data))):
        assert summarise(event_type, given_payload) == expected
        assert summarise(event_type, given_payload, masked=True) == masked
    if data:
        assert summarise(event_type, {**data, "webhook_event": event_type}) == expected


@pytest.mark.parametrize(
    ("stored", "expected", "masked"),
    [
        pytest.param(None, "no longer kept", "no longer kept", id="retention"),
        pytest.param("base64:", "an empty request", "an empty request", id="empty"),
        pytest.param("base64:" + base64.b64encode(b'{"a":"\xff').decode(), 'not decoded: {"a":"\ufffd', "not decoded, 7 characters", id="bytes"),
        pytest.param("base64:!", "not decoded: base64:!", "not decoded, 8 characters", id="no base64"),
        pytest.param("[1]", "not decoded: [1]", "not decoded, 3 characters", id="no object"),
        pytest.param("{", "not decoded: {", "not decoded, 1 character", id="half a JSON"),
        pytest.param('{"data":"{"}', "data: {", "1 field", id="half a JSON within"),
        pytest.param("[" * 100_000, f"not decoded: {'[' * 46}…", "not decoded, 100000 characters", id="deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood(stored: str | None, expected: str, masked: str):
    """What is known of it."""
    assert summarise("dlr", stored) == expected
    assert summarise("dlr", stored, masked=True) == masked


@pytest.mark.parametrize("name", SHAPES)
def test_every_event_type_has_a_summary(name: str):
    """Its example has one, which does not exceed its bound; masked it repeats no value of eight characters or more,
    unless that is a status."""
    event_type, example = name.partition(" ")[0], SHAPES[name].example
    stored = payload(event_type, **example)
    assert 0 < len(summarise(event_type, stored)) <= LONGEST_SUMMARY
    masked = summarise(event_type, stored, masked=True)
    assert not [
        value for name, value in example.items() if name != "status" and len(str(value)) >= 8 and str(value) in masked
    ]


@given(
    st.sampled_from([*EVENT_TYPES, "mms", None]),
    st.dictionaries(st.sampled_from(["id", "sender", "text", "msg_id", "status", "sms_id", "tracking_url", "sms_label", "caller"]),
                    st.text(max_size=200), max_size=9),
    st.integers(10, 80),
)  # fmt: skip
def test_any_text_stays_one_printable_line(event_type: str | None, data: dict[str, str], most: int):
    """Whatever is in any field: no control character, no change of direction, no newline, no more than the bound."""
    for masked in (False, True):
        summary = summarise(event_type, payload(event_type, **data), masked=masked, most=most)
        assert summary.isprintable()
        assert len(summary) <= most
        assert not summary.startswith(" ")


def test_a_long_text_ends_at_a_word():
    """A long text is cut after a word; one without spaces where the bound is; escapes are not cut."""
    text = "The quick brown fox jumps over the lazy dog, and then it rests for a while"
    assert summarise("sms_mo", payload("sms_mo", sender="1", text=text), most=30) == "The quick brown fox jumps…"
    assert summarise("sms_mo", payload("sms_mo", sender="1", text="x" * 10_000), most=10) == f"{'x' * 9}…"
    assert summarise("sms_mo", payload("sms_mo", sender="1", text="\u202e" * 10), most=15) == r"\u202e\u202e…"
    assert summarise("sms_mo", payload("sms_mo", sender="1", text="<script>\x00🎉"), most=40) == "<script>\ufffd🎉"

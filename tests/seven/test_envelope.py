"""Envelopes: one line in the ledger, readable by every version that may meet it."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.envelope import Envelope, raw_text
from seven.errors import Undecodable, UnreadableEnvelope
from tests.extent import examples

RECEIVED_AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
PAYLOAD = {"data": {"text": "ä\x00\ud800👍\n"}, "webhook_event": "sms_mo"}
TODAY = {
    "v": 1,
    "id": "an-id",
    "event_type": "sms_mo",
    "received_at": RECEIVED_AT.isoformat(),
    "request_method": "JSON",
    "payload": PAYLOAD,
    "reason": None,
}


def line(**changed: Any) -> bytes:
    """Today's line with changes; fields that are `...` are omitted."""
    return json.dumps({name: value for name, value in (TODAY | changed).items() if value is not ...}).encode()


def test_todays_line():
    """The format of the line is unchanged: older workers can read it."""
    envelope = Envelope("an-id", "sms_mo", RECEIVED_AT, "JSON", PAYLOAD)

    assert json.loads(envelope.line()) == TODAY
    assert envelope.line().isascii()
    assert b"\n" not in envelope.line()
    assert Envelope.parse(envelope.line()) == envelope
    assert envelope.fields == PAYLOAD


def test_bytes_that_could_not_be_decoded_survive():
    """The bytes are kept whole, with the receiver's reason; there are no decoded fields."""
    payload = bytes(range(256))
    envelope = Envelope("an-id", None, RECEIVED_AT, "POST", payload, "neither JSON nor a form")

    read = Envelope.parse(envelope.line())

    assert read == envelope
    assert base64.b64decode(read.payload_text.removeprefix("base64:")) == payload
    with pytest.raises(Undecodable, match="neither JSON nor a form"):
        _ = read.fields


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param(b"a=1", "a=1", id="text"),
        pytest.param("ä".encode("latin-1"), "\N{REPLACEMENT CHARACTER}", id="no UTF-8"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_stored_bytes_as_text(payload: bytes, text: str):
    """Whatever the bytes are."""
    stored = Envelope("an-id", None, RECEIVED_AT, "POST", payload, "undecodable").payload_text
    assert raw_text(stored) == text


@pytest.mark.parametrize("stored", ["base64:A", "base64:a b=", "base64:ä"])
def test_what_is_no_base64_stays_as_it_is_stored(stored: str):
    """A sender may have written it."""
    assert raw_text(stored) == stored


def test_a_decoded_payload_never_becomes_bytes():
    """A decoded payload that contains the prefix for bytes stays decoded."""
    envelope = Envelope("an-id", None, RECEIVED_AT, "JSON", {"base64:": "base64:AAAA"})

    assert Envelope.parse(envelope.line()) == envelope


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"v": 99, "colour": "blue", "nested": {"a": [1]}}, {}, id="newer: more fields"),
        pytest.param({"v": ...}, {}, id="older: no version"),
        pytest.param({"reason": ...}, {"reason": None}, id="older: no reason"),
        pytest.param({"request_method": ...}, {"request_method": "POST"}, id="older: no request method"),
        pytest.param({"event_type": ...}, {"event_type": None}, id="older: no event type"),
        pytest.param({"received_at": ...}, {"received_at": datetime(2000, 1, 1, tzinfo=UTC)}, id="no time"),
        pytest.param({"payload": ...}, {"payload": {}}, id="no payload"),
        pytest.param({"payload": None}, {"payload": {}}, id="a null payload"),
        pytest.param({"received_at": "2026-01-01T13:00:00.123456+01:00"}, {}, id="another offset"),
        pytest.param({"received_at": "2026-01-01T12:00:00.123456Z"}, {}, id="Z"),
    ],
)
def test_other_versions_are_read(changed: dict[str, Any], expected: dict[str, Any]):
    """A version ignores unknown fields and takes missing ones as absent."""
    today, read = Envelope.parse(line()), Envelope.parse(line(**changed))

    for name in ("id", "event_type", "received_at", "request_method", "payload", "reason"):
        assert getattr(read, name) == expected.get(name, getattr(today, name))


def test_an_id_is_enough():
    """Only the id is required, and the envelope can be written again."""
    read = Envelope.parse(b'{"id":"an-id"}')

    assert read.id == "an-id"
    assert Envelope.parse(read.line()) == read


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="a word"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(line()[:-1], id="cut short"),
        pytest.param(line() + line(), id="two lines in one"),
        pytest.param(b"[" * 200_000, id="200,000 brackets"),
        pytest.param(b'{"id":' + b"7" * 5000 + b"}", id="a number of 5000 digits"),
        pytest.param(line(id=...), id="no id"),
        pytest.param(line(id=None), id="a null id"),
        pytest.param(line(id=""), id="an empty id"),
        pytest.param(line(id=7), id="a number for an id"),
        pytest.param(line(event_type=7), id="a number for an event type"),
        pytest.param(line(request_method=["JSON"]), id="a list for a request method"),
        pytest.param(line(received_at="yesterday"), id="an invalid time"),
        pytest.param(line(received_at="2026-01-01T12:00:00"), id="a time without offset"),
        pytest.param(line(received_at=1767268800), id="an epoch"),
        pytest.param(line(received_at="0001-01-01T00:00:00+02:00"), id="a time before all times"),
        pytest.param(line(received_at="9999-12-31T23:59:59-02:00"), id="a time after all times"),
        pytest.param(line(payload="base64:not base64!"), id="a payload that is not base64"),
        pytest.param(line(payload="base64:ä"), id="a payload beyond ASCII"),
    ],
)
def test_garbage_is_unreadable(garbage: bytes):
    """A line that is not an envelope of any version raises UnreadableEnvelope, and nothing else."""
    with pytest.raises(UnreadableEnvelope, match="not an envelope"):
        Envelope.parse(garbage)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(b'{"id":"an-id","payload":{"a":NaN}}', id="NaN"),
        pytest.param(b'{"id":"an-id","payload":{"a":1e999}}', id="a number beyond every float"),
        pytest.param(b'{"id":"an-id","reason":{"a":1}}', id="an object for a reason"),
        pytest.param(b'{"id":"an-id","reason":7}', id="a number for a reason"),
    ],
)
def test_an_odd_line_is_writable_or_unreadable(odd: bytes):
    """An envelope that can be read has a payload and a reason that can be written again."""
    try:
        envelope = Envelope.parse(odd)
    except UnreadableEnvelope:
        return

    assert envelope.payload_text.isascii()
    assert envelope.reason is None or isinstance(envelope.reason, str)
    assert Envelope.parse(envelope.line()) == envelope


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@examples(70, 200)
@given(
    st.one_of(
        st.binary(max_size=40),
        ANY_JSON.map(lambda value: json.dumps(value).encode()),
        st.dictionaries(st.sampled_from(sorted(TODAY)), ANY_JSON).map(lambda changed: line(**changed)),
        st.datetimes(timezones=st.timezones()).map(lambda time: line(received_at=time.isoformat())),
    )
)
def test_any_line_is_an_envelope_or_unreadable(written: bytes):
    """Any line in the ledger is an envelope or raises UnreadableEnvelope; it never breaks a worker."""
    try:
        envelope = Envelope.parse(written)
    except UnreadableEnvelope:
        return

    assert envelope.received_at.tzinfo is UTC
    assert isinstance(envelope.payload_text, str)

"""Parsing properties: any bytes are decoded or have a reason, and survive the ledger and any database."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seven.delivery import Delivery
from seven.envelope import Envelope
from seven.errors import NotUnderstood, Undecodable
from seven.parsing import read_form
from tests.extent import examples
from tests.seven.wire_forms import post

RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)

# Pieces of possible payloads, so that the interesting collisions happen.
PIECES = [
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"=", b"&", b"%", b"+", b"-", b" ", b"\n", b"\x00", b"--"),
    *(b"data", b"webhook_event", b"dlr", b"%5B", b"%5D", b"%00", b"%ED%A0%BD", b"\\ud83d", b"\\udc4d", b"\\u0000"),
    *(b"NaN", b"Infinity", b"1e999", b"-0", b"true", b"null", b"1", b'"a":1,', b"a=1&", b"data[a]=1&", b"a[]=1&"),
    *(b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\xbd", b"\xed\xb1\x8d", b"\xc3\xa4", b"\xf0\x9f\x91\x8d", b"\xe4"),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BYTES = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join),
    st.dictionaries(st.text(max_size=5), VALUES, max_size=4).map(lambda fields: json.dumps(fields).encode()),
)


@given(st.text(alphabet="ab.=&%4zZ+;é ", max_size=40).map(lambda value: "a=" + value))
def test_a_flat_form_is_decoded_like_the_standard_library(form: str):
    """Keys and values are the same for any quoting, also an invalid one."""
    pairs = parse_qsl(form.strip(), keep_blank_values=True, errors="surrogateescape")
    if len(dict(pairs)) == len(pairs):
        assert read_form(form.encode("utf-8", "surrogateescape")) == dict(pairs)


@examples(250, 800)
@given(body=BYTES, query=BYTES, method=st.sampled_from(["POST", "GET"]))
@example(body=b'{"a":NaN,"b":1e999,"c":"\\u0000\\ud800"}', query=b"", method="POST")
@example(body=b"\x00=%00&a=%ff", query=b"", method="POST")
def test_any_bytes_can_be_stored(body: bytes, query: bytes, method: str):
    """Any bytes are decoded or have a reason; their envelope survives the ledger and any database."""
    delivery, reason = Delivery(method, query, body), None
    try:
        payload: dict[str, Any] | bytes = delivery.decode()
    except NotUnderstood as error:
        payload, reason = delivery.raw, error.reason

    assert isinstance(payload, (dict, bytes))
    _assert_storable(Envelope("an-id", None, RECEIVED_AT, delivery.request_method, payload, reason))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":"\xed\xa0\xbd\xed\xb1\x8d"}', id="a value"),
        pytest.param('{"a\ud83d\udc4d":1,"a👍":2}'.encode("utf-8", "surrogatepass"), id="a key beside its equivalent"),
    ],
)
def test_surrogates_encoded_one_by_one_can_be_stored(body: bytes):
    """CESU-8, which some databases write for characters beyond 16 bits, is decoded without loss or is not UTF-8."""
    try:
        payload: dict[str, Any] | bytes = post(body).decode()
    except Undecodable:
        payload = body

    _assert_storable(Envelope("an-id", None, RECEIVED_AT, "JSON", payload))


def _assert_storable(envelope: Envelope) -> None:
    text = envelope.payload_text

    assert Envelope.parse(envelope.line()) == envelope
    assert b"\n" not in envelope.line()
    assert text.isascii()
    assert "\x00" not in text
    assert text.startswith("base64:") or json.loads(text, parse_constant=_refuse) == envelope.payload


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")

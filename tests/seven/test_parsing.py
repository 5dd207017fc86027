"""Notation: bytes become words, or a reason; never anything else, and nothing is lost on the way to the ledger."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seven.delivery import Delivery
from seven.envelope import Envelope
from seven.errors import InvalidPayload, NotUnderstood, Undecodable
from seven.parsing import read_form
from tests.seven.wire_forms import get, post

SECRET = "geheim4711"
RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="JSON"),
        pytest.param(b' \r\n\t{"a":1}\n', {"a": 1}, id="JSON, blanks around it"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="JSON after a BOM"),
        pytest.param(b"{}", {}, id="an empty object"),
        pytest.param(
            b'{"a":NaN,"b":Infinity,"c":-Infinity}', {"a": "NaN", "b": "Infinity", "c": "-Infinity"}, id="NaN"
        ),
        pytest.param(b'{"a":1e999,"b":-1e999}', {"a": "1e999", "b": "-1e999"}, id="a number beyond every float"),
        pytest.param(b'{"a":' + b"7" * 400 + b"}", {"a": int("7" * 400)}, id="an integer of 400 digits"),
        pytest.param(b'{"a":"\\u0000"}', {"a": "\x00"}, id="NUL, escaped"),
        pytest.param(b'{"a":"\\ud800"}', {"a": "\ud800"}, id="a lone surrogate, escaped"),
        pytest.param(b'{"a":"\\ud83d\\udc4d"}', {"a": "👍"}, id="a pair of surrogates, escaped"),
        pytest.param(b'{"a":1,"a":1}', {"a": 1}, id="a key twice, with the same value"),
        pytest.param(b'{"a":{"b":[1]},"a":{"b":[1]}}', {"a": {"b": [1]}}, id="a key twice, with the same object"),
        pytest.param(b'{"a":"b=c&d=e"}', {"a": "b=c&d=e"}, id="JSON that looks like a form inside"),
        pytest.param(b"a=1&b=2", {"a": "1", "b": "2"}, id="a form"),
        pytest.param(b"a=1&b=2\r\n", {"a": "1", "b": "2"}, id="a form, a line's end after it"),
        pytest.param(b"a=&b=", {"a": "", "b": ""}, id="empty values"),
        pytest.param(b"a=1&&&b=2&", {"a": "1", "b": "2"}, id="empty fields"),
        pytest.param(b"a=x+y%20z%2B", {"a": "x y z+"}, id="blanks and pluses"),
        pytest.param(b"a=1=2", {"a": "1=2"}, id="a value with ="),
        pytest.param(b"a=%00", {"a": "\x00"}, id="NUL in a form"),
        pytest.param(b"a=%zz%", {"a": "%zz%"}, id="percents that escape nothing"),
        pytest.param(b"data[x]=1&data[y][z]=2", {"data": {"x": "1", "y": {"z": "2"}}}, id="brackets nest"),
        pytest.param(b"data%5Bx%5D=1", {"data": {"x": "1"}}, id="escaped brackets nest"),
        pytest.param(b"a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}, id="empty brackets append"),
        pytest.param(b"a[][b]=x&a[][b]=y", {"a": {"0": {"b": "x"}, "1": {"b": "y"}}}, id="and append objects"),
        pytest.param(b"a=1&x[=2&]y=3", {"a": "1", "x[": "2", "]y": "3"}, id="brackets that do not match"),
        pytest.param(b"a=1&a=1", {"a": "1"}, id="a form's key twice, with the same value"),
        pytest.param(b"&", {}, id="a form of nothing"),
        pytest.param(b"\xef\xbb\xbfa=1&b=2", {"a": "1", "b": "2"}, id="a form after a BOM"),
    ],
)
def test_bytes_become_words(body: bytes, words: dict[str, Any]):
    """What the gateway's PHP might send is read as PHP would read it; what it would not, as literally as possible."""
    assert post(body).decode() == words


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \r\n", "empty", id="blank"),
        pytest.param(b'{"a":1', "malformed JSON", id="JSON cut short"),
        pytest.param(b'{"a":"geheim4711}', "malformed JSON", id="a text cut short"),
        pytest.param(b'{"a":geheim4711}', "malformed JSON", id="a bare word"),
        pytest.param(b'{"a":"\\geheim4711"}', "malformed JSON", id="an escape that is none"),
        pytest.param(b"{'a':'geheim4711'}", "malformed JSON", id="single quotes"),
        pytest.param(b'{"a":1}{"a":"geheim4711"}', "malformed JSON", id="two objects"),
        pytest.param(b'{"a":"\x00geheim4711"}', "malformed JSON", id="NUL, not escaped"),
        pytest.param(b'{"a":"geheim4711\xff"}', "not UTF-8", id="JSON in no UTF-8"),
        pytest.param(b'{"a":' + b"7" * 5000 + b"}", "digits", id="an integer of 5000 digits"),
        pytest.param(b'["geheim4711"]', "not an object", id="an array"),
        pytest.param(b"[" * 200_000, "nested deeper", id="200,000 arrays"),
        pytest.param(b'{"a":' * 200_000, "nested deeper", id="200,000 objects"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, "nested deeper", id="33 objects"),
        pytest.param(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "nested deeper", id="900 arrays, closed"),
        pytest.param(b"a" + b"[x]" * 200_000 + b"=geheim4711", "nested deeper", id="200,000 brackets in a form"),
        pytest.param(b"a" + b"[]" * 33 + b"=geheim4711", "nested deeper", id="33 brackets in a form"),
        pytest.param(b"a" + b"[" * 200_000 + b"=geheim4711", "neither", id="200,000 brackets not closed"),
        pytest.param(b"&".join(b"a%d=1" % one for one in range(2000)), "more than", id="2000 fields"),
        pytest.param(b'"geheim4711"', "neither", id="a JSON text"),
        pytest.param(b"4711", "neither", id="a JSON number"),
        pytest.param(b"null", "neither", id="JSON's null"),
        pytest.param(b"geheim4711", "neither", id="a word"),
        pytest.param(b"=geheim4711", "neither", id="no key"),
        pytest.param(b"<?xml version='1.0'?><sms text='geheim4711'/>", "neither", id="XML"),
        pytest.param(b"<html>geheim4711</html>", "neither", id="HTML"),
        pytest.param(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--', "multipart", id="multipart"),
        pytest.param(bytes(range(256)), "neither", id="every byte"),
        pytest.param(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x4a\x54\xb2\x32\x04", "neither", id="gzip"),
        pytest.param('{"a":1}'.encode("utf-16"), "neither", id="UTF-16 after its BOM"),
    ],
)
def test_bytes_in_no_notation_have_a_reason(body: bytes, reason: str):
    """What is none of the gateway's notations is told why, without repeating what it said."""
    with pytest.raises(Undecodable, match=reason) as undecodable:
        post(body).decode()

    assert SECRET not in undecodable.value.reason


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b'{"a":"geheim4711","a":"x"}', "a", id="JSON"),
        pytest.param(b'{"data":{"a":"geheim4711","a":"x"}}', "a", id="JSON, inside"),
        pytest.param(b'{"a":"1","a":1}', "a", id="a text and a number"),
        pytest.param(b'{"a":1,"a":true}', "a", id="a number and a truth"),
        pytest.param(b'{"a":"geheim4711","a":null}', "a", id="a text and null"),
        pytest.param(b"a=geheim4711&a=x", "a", id="a form"),
        pytest.param(b"data[a]=geheim4711&data[a]=x", "data[a]", id="a form, inside"),
        pytest.param(b"data=1&data[x]=2", "data[x]", id="a text, and fields inside it"),
        pytest.param(b"data[x]=2&data=1", "data", id="fields, and a text around them"),
        pytest.param(b"a[]=x&a=y", "a", id="a list, and a text"),
    ],
)
def test_contradictions_are_misfits(body: bytes, field: str):
    """To choose one of two values would be a guess; the reason names the field and neither value."""
    with pytest.raises(InvalidPayload) as misfit:
        post(body).decode()

    assert list(misfit.value.wrong) == [field]
    assert field in misfit.value.reason
    assert SECRET not in misfit.value.reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"\\u0000\\n\\u001b[2J":1,"\\u0000\\n\\u001b[2J":2}', id="control characters in JSON"),
        pytest.param(b"x=1&%00%0A%1B=1&%00%0A%1B=2", id="control characters in a form"),
        pytest.param('{"\u202eä👍":1,"\u202eä👍":2}'.encode(), id="beyond ASCII"),
        pytest.param(b'{"\\ud800":1,"\\ud800":2}', id="a lone surrogate"),
        pytest.param(b'{"' + b"k" * 9000 + b'":1,"' + b"k" * 9000 + b'":2}', id="very long"),
    ],
)
def test_a_reason_is_safe_whatever_the_field_is_called(body: bytes):
    """A reason goes to logs, terminals and databases: it is short and printable, even where it names a stranger's key."""
    with pytest.raises(InvalidPayload) as misfit:
        post(body).decode()

    for text in (misfit.value.reason, *misfit.value.wrong, *misfit.value.wrong.values()):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 1000


def test_bytes_that_are_no_utf_8_are_kept():
    """A form in Latin-1 is read, and its bytes can still be told from what was read."""
    escaped, bare = post(b"sender=1&text=%E4%F6%FC").decode(), post(b"sender=1&text=\xe4\xf6\xfc").decode()

    assert escaped == bare
    assert escaped["text"].encode("utf-8", "surrogateescape") == "äöü".encode("latin-1")


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        pytest.param(Delivery("GET", b"a=1", b'{"a":2}'), {"a": "1"}, id="GET: the query"),
        pytest.param(Delivery("POST", b"a=1", b""), {"a": "1"}, id="POST without a body: the query"),
        pytest.param(Delivery("POST", b"a=1", b"\r\n"), {"a": "1"}, id="POST with a blank body: the query"),
        pytest.param(Delivery("POST", b"a=1&b=1", b"a=2"), {"a": "2"}, id="both: the body"),
        pytest.param(Delivery("POST", b"a=1&b=1", b'{"a":2}'), {"a": 2}, id="both, JSON: the body"),
        pytest.param(Delivery("POST", b"data[a]=1", b"data[b]=2"), {"data": {"b": "2"}}, id="both, nested: the body"),
        pytest.param(Delivery("POST", b"junk", b'{"a":2}'), {"a": 2}, id="a query that is none"),
        pytest.param(Delivery("POST", b"b=1&b=2", b'{"a":2}'), {"a": 2}, id="a query that contradicts itself"),
    ],
)
def test_body_and_query(delivery: Delivery, words: dict[str, Any]):
    """The words are where the method puts them; a query beside a body is the target URL's own, and says nothing."""
    assert delivery.decode() == words


@pytest.mark.parametrize(
    ("delivery", "request_method"),
    [
        pytest.param(Delivery("GET", b"a=1", b""), "GET", id="GET"),
        pytest.param(Delivery("GET", b"a=1", b"{}"), "GET", id="GET with a body"),
        pytest.param(Delivery("POST", b"", b'{"a":1}'), "JSON", id="JSON"),
        pytest.param(Delivery("POST", b"", b'\xef\xbb\xbf\r\n {"a":1}'), "JSON", id="JSON after a BOM"),
        pytest.param(Delivery("POST", b"", b"[1]"), "JSON", id="an array"),
        pytest.param(Delivery("POST", b"", b"a=1"), "POST", id="a form"),
        pytest.param(Delivery("POST", b"a=1", b""), "POST", id="a query"),
        pytest.param(Delivery("POST", b"", b"\xff\xfe"), "POST", id="binary"),
    ],
)
def test_the_request_method_is_seen(delivery: Delivery, request_method: str):
    """The hook's request method shows in the bytes, whatever content type they claim."""
    assert delivery.request_method == request_method


@pytest.mark.parametrize(
    ("delivery", "raw"),
    [
        pytest.param(Delivery("POST", b"", b"junk"), b"junk", id="a body"),
        pytest.param(Delivery("POST", b"secret=1", b"junk"), b"junk", id="a body beside a query"),
        pytest.param(Delivery("GET", b"junk", b""), b"junk", id="a query"),
        pytest.param(Delivery("POST", b"junk", b""), b"junk", id="the query of a POST"),
        pytest.param(Delivery("POST", b"junk", b"\r\n"), b"junk", id="the query beside a blank body"),
        pytest.param(Delivery("GET", b"junk", b"not looked at"), b"junk", id="the query of a GET with a body"),
    ],
)
def test_the_bytes_that_could_not_be_decoded_are_kept(delivery: Delivery, raw: bytes):
    """What is kept of an undecodable delivery is what was tried to decode."""
    with pytest.raises(Undecodable):
        delivery.decode()

    assert delivery.raw == raw


# Pieces of what might come, so that the interesting collisions happen.
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
    st.dictionaries(st.text(max_size=5), VALUES, max_size=4).map(lambda words: json.dumps(words).encode()),
)


@given(st.text(alphabet="ab.=&%4zZ+;é ", max_size=40).map(lambda told: "a=" + told))
def test_a_flat_form_is_read_as_the_standard_library_reads_one(form: str):
    """Same keys, same values, whatever is quoted, and however badly."""
    pairs = parse_qsl(form.strip(), keep_blank_values=True, errors="surrogateescape")
    if len(dict(pairs)) == len(pairs):
        assert read_form(form.encode("utf-8", "surrogateescape")) == dict(pairs)


@settings(max_examples=800, deadline=None)
@given(body=BYTES, query=BYTES, method=st.sampled_from(["POST", "GET"]))
@example(body=b'{"a":NaN,"b":1e999,"c":"\\u0000\\ud800"}', query=b"", method="POST")
@example(body=b"\x00=%00&a=%ff", query=b"", method="POST")
def test_any_bytes_are_words_or_a_reason_and_can_be_kept(body: bytes, query: bytes, method: str):
    """Whatever comes is decoded or has a reason, and as an envelope survives the ledger and any database."""
    delivery, reason = Delivery(method, query, body), None
    try:
        payload: dict[str, Any] | bytes = delivery.decode()
    except NotUnderstood as not_understood:
        payload, reason = delivery.raw, not_understood.reason

    assert isinstance(payload, (dict, bytes))
    _assert_it_can_be_kept(Envelope("an-id", None, RECEIVED_AT, delivery.request_method, payload, reason))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":"\xed\xa0\xbd\xed\xb1\x8d"}', id="a value"),
        pytest.param('{"a\ud83d\udc4d":1,"a👍":2}'.encode("utf-8", "surrogatepass"), id="a key beside its twin"),
    ],
)
def test_surrogates_encoded_one_by_one_can_be_kept(body: bytes):
    """CESU-8, as some senders' databases write what lies beyond the 16 bits, is words that survive, or no UTF-8."""
    try:
        payload: dict[str, Any] | bytes = post(body).decode()
    except Undecodable:
        payload = body

    _assert_it_can_be_kept(Envelope("an-id", None, RECEIVED_AT, "JSON", payload))


def _assert_it_can_be_kept(envelope: Envelope) -> None:
    text = envelope.payload_text

    assert Envelope.parse(envelope.line()) == envelope
    assert b"\n" not in envelope.line()
    assert text.isascii()
    assert "\x00" not in text
    assert text.startswith("base64:") or json.loads(text, parse_constant=_refuse) == envelope.payload


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("query", [pytest.param(b"msg_id=1&status=x", id="a query"), pytest.param(b"%00", id="none")])
def test_get_is_read_like_a_form(query: bytes):
    """A query and a form are the same notation."""
    assert _outcome(get(query)) == _outcome(post(query))


def _outcome(delivery: Delivery) -> object:
    try:
        return delivery.decode()
    except NotUnderstood as not_understood:
        return not_understood.reason

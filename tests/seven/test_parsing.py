"""Parsing: bytes become fields or a reason, and nothing is lost on the way to the ledger."""

from typing import Any

import pytest

from seven.delivery import Delivery
from seven.errors import InvalidPayload, NotUnderstood, Undecodable
from tests.seven.wire_forms import get, post

SECRET = "geheim4711"


@pytest.mark.parametrize(
    ("body", "decoded"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="JSON"),
        pytest.param(b' \r\n\t{"a":1}\n', {"a": 1}, id="JSON, surrounding blanks"),
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
        pytest.param(b"a=1&b=2\r\n", {"a": "1", "b": "2"}, id="a form, a trailing line break"),
        pytest.param(b"a=&b=", {"a": "", "b": ""}, id="empty values"),
        pytest.param(b"a=1&&&b=2&", {"a": "1", "b": "2"}, id="empty fields"),
        pytest.param(b"a=x+y%20z%2B", {"a": "x y z+"}, id="blanks and pluses"),
        pytest.param(b"a=1=2", {"a": "1=2"}, id="a value with ="),
        pytest.param(b"a=%00", {"a": "\x00"}, id="NUL in a form"),
        pytest.param(b"a=%zz%", {"a": "%zz%"}, id="invalid percent escapes"),
        pytest.param(b"data[x]=1&data[y][z]=2", {"data": {"x": "1", "y": {"z": "2"}}}, id="brackets nest"),
        pytest.param(b"data%5Bx%5D=1", {"data": {"x": "1"}}, id="escaped brackets nest"),
        pytest.param(b"a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}, id="empty brackets append"),
        pytest.param(
            b"a[][b]=x&a[][b]=y", {"a": {"0": {"b": "x"}, "1": {"b": "y"}}}, id="empty brackets append objects"
        ),
        pytest.param(b"a=1&x[=2&]y=3", {"a": "1", "x[": "2", "]y": "3"}, id="unmatched brackets"),
        pytest.param(b"a=1&a=1", {"a": "1"}, id="a form's key twice, with the same value"),
        pytest.param(b"&", {}, id="a form without fields"),
        pytest.param(b"\xef\xbb\xbfa=1&b=2", {"a": "1", "b": "2"}, id="a form after a BOM"),
    ],
)
def test_bytes_are_decoded(body: bytes, decoded: dict[str, Any]):
    """Bytes are decoded as PHP would decode them; what PHP would never send, as literally as possible."""
    assert post(body).decode() == decoded


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \r\n", "empty", id="blank"),
        pytest.param(b'{"a":1', "malformed JSON", id="JSON cut short"),
        pytest.param(b'{"a":"geheim4711}', "malformed JSON", id="a text cut short"),
        pytest.param(b'{"a":geheim4711}', "malformed JSON", id="a bare word"),
        pytest.param(b'{"a":"\\geheim4711"}', "malformed JSON", id="an invalid escape"),
        pytest.param(b"{'a':'geheim4711'}", "malformed JSON", id="single quotes"),
        pytest.param(b'{"a":1}{"a":"geheim4711"}', "malformed JSON", id="two objects"),
        pytest.param(b'{"a":"\x00geheim4711"}', "malformed JSON", id="NUL, not escaped"),
        pytest.param(b'{"a":"geheim4711\xff"}', "not UTF-8", id="JSON, not UTF-8"),
        pytest.param(b'{"a":' + b"7" * 5000 + b"}", "digits", id="an integer of 5000 digits"),
        pytest.param(b'["geheim4711"]', "not an object", id="an array"),
        pytest.param(b"[" * 200_000, "nested deeper", id="200,000 arrays"),
        pytest.param(b'{"a":' * 200_000, "nested deeper", id="200,000 objects"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, "nested deeper", id="33 objects"),
        pytest.param(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "nested deeper", id="900 arrays, closed"),
        pytest.param(b"a" + b"[x]" * 200_000 + b"=geheim4711", "nested deeper", id="200,000 brackets in a form"),
        pytest.param(b"a" + b"[]" * 33 + b"=geheim4711", "nested deeper", id="33 brackets in a form"),
        pytest.param(b"a" + b"[" * 200_000 + b"=geheim4711", "neither", id="200,000 brackets not closed"),
        pytest.param(b"&".join(b"a%d=1" % number for number in range(2000)), "more than", id="2000 fields"),
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
def test_undecodable_bytes_have_a_reason(body: bytes, reason: str):
    """The reason says why bytes are in none of the gateway's formats, without quoting them."""
    with pytest.raises(Undecodable, match=reason) as raised:
        post(body).decode()

    assert SECRET not in raised.value.reason


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b'{"a":"geheim4711","a":"x"}', "a", id="JSON"),
        pytest.param(b'{"data":{"a":"geheim4711","a":"x"}}', "a", id="JSON, inside"),
        pytest.param(b'{"a":"1","a":1}', "a", id="a text and a number"),
        pytest.param(b'{"a":1,"a":true}', "a", id="a number and a boolean"),
        pytest.param(b'{"a":"geheim4711","a":null}', "a", id="a text and null"),
        pytest.param(b"a=geheim4711&a=x", "a", id="a form"),
        pytest.param(b"data[a]=geheim4711&data[a]=x", "data[a]", id="a form, inside"),
        pytest.param(b"data=1&data[x]=2", "data[x]", id="a text and nested fields"),
        pytest.param(b"data[x]=2&data=1", "data", id="nested fields and a text"),
        pytest.param(b"a[]=x&a=y", "a", id="a list, and a text"),
    ],
)
def test_contradictions_are_invalid(body: bytes, field: str):
    """Choosing one of two values would be a guess. The reason names the field, but neither value."""
    with pytest.raises(InvalidPayload) as raised:
        post(body).decode()

    assert list(raised.value.wrong) == [field]
    assert field in raised.value.reason
    assert SECRET not in raised.value.reason


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
def test_a_reason_is_safe_for_any_field_name(body: bytes):
    """A reason goes to logs, terminals and databases: it is short and printable for any key."""
    with pytest.raises(InvalidPayload) as raised:
        post(body).decode()

    for text in (raised.value.reason, *raised.value.wrong, *raised.value.wrong.values()):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 1000


def test_bytes_that_are_not_utf_8_are_kept():
    """A form in Latin-1 is decoded, and its bytes can be recovered."""
    escaped, bare = post(b"sender=1&text=%E4%F6%FC").decode(), post(b"sender=1&text=\xe4\xf6\xfc").decode()

    assert escaped == bare
    assert escaped["text"].encode("utf-8", "surrogateescape") == "äöü".encode("latin-1")


@pytest.mark.parametrize(
    ("delivery", "decoded"),
    [
        pytest.param(Delivery("GET", b"a=1", b'{"a":2}'), {"a": "1"}, id="GET: the query"),
        pytest.param(Delivery("POST", b"a=1", b""), {"a": "1"}, id="POST without a body: the query"),
        pytest.param(Delivery("POST", b"a=1", b"\r\n"), {"a": "1"}, id="POST with a blank body: the query"),
        pytest.param(Delivery("POST", b"a=1&b=1", b"a=2"), {"a": "2"}, id="both: the body"),
        pytest.param(Delivery("POST", b"a=1&b=1", b'{"a":2}'), {"a": 2}, id="both, JSON: the body"),
        pytest.param(Delivery("POST", b"data[a]=1", b"data[b]=2"), {"data": {"b": "2"}}, id="both, nested: the body"),
        pytest.param(Delivery("POST", b"junk", b'{"a":2}'), {"a": 2}, id="an invalid query"),
        pytest.param(Delivery("POST", b"b=1&b=2", b'{"a":2}'), {"a": 2}, id="a contradictory query"),
    ],
)
def test_body_and_query(delivery: Delivery, decoded: dict[str, Any]):
    """The method decides where the fields are; a query beside a body is part of the target URL and is ignored."""
    assert delivery.decode() == decoded


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
def test_the_request_method_is_detected(delivery: Delivery, request_method: str):
    """The bytes show the hook's request method, whatever the content type."""
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
    """The raw bytes of an undecodable delivery are those that decoding failed on."""
    with pytest.raises(Undecodable):
        delivery.decode()

    assert delivery.raw == raw


@pytest.mark.parametrize("query", [pytest.param(b"msg_id=1&status=x", id="a query"), pytest.param(b"%00", id="none")])
def test_a_query_is_decoded_like_a_form(query: bytes):
    """A query and a form have the same format."""
    assert _outcome(get(query)) == _outcome(post(query))


def _outcome(delivery: Delivery) -> object:
    try:
        return delivery.decode()
    except NotUnderstood as error:
        return error.reason

"""Charsets: a text is read as its request declares it where its bytes are not UTF-8, in every format."""

import codecs
import json
from contextlib import suppress
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.charsets import as_utf8, declared_charset, unquoted
from seven.delivery import Delivery
from seven.errors import NotUnderstood, Undecodable

TEXT = "Grüße aus Köln, 5 €"
CODECS = [
    pytest.param("iso-8859-1", "cp1252", id="Latin-1"),
    pytest.param("ISO-8859-15", "iso8859-15", id="Latin-9"),
    pytest.param("windows-1252", "cp1252", id="windows-1252"),
    pytest.param("utf-8", "utf-8", id="UTF-8"),
    pytest.param("iso-8859-1", "utf-8", id="UTF-8, declared as Latin-1"),
    pytest.param("windows-1252", "utf-8", id="UTF-8, declared as windows-1252"),
]


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        pytest.param(b"application/x-www-form-urlencoded; charset=iso-8859-1", "cp1252", id="a form"),
        pytest.param(b'application/json;charset="ISO_8859-1:1987"', None, id="an unlisted label"),
        pytest.param(b"application/json; Charset = 'Latin1'", "cp1252", id="quotes, blanks and case"),
        pytest.param(b"text/plain; q=1; charset=windows-1251", "cp1251", id="a second parameter"),
        pytest.param(b"text/plain; charset=ISO-8859-15", "iso8859-15", id="Latin-9"),
        pytest.param(b"text/plain; charset=utf-8", None, id="UTF-8"),
        pytest.param(b"text/plain; charset=UTF-16LE", "utf-16-le", id="UTF-16"),
        pytest.param(b"text/plain", None, id="none"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"text/plain; charset=", None, id="a blank one"),
        pytest.param(b"text/plain; charset=rot13", None, id="a codec that is no charset"),
        pytest.param(b"text/plain; charset=unicode_escape", None, id="one that interprets escapes"),
        pytest.param(b"text/plain; charset=zip", None, id="one that unpacks"),
        pytest.param(b"text/plain; charset=../../x", None, id="a path"),
        pytest.param(b"text/plain; charset=\xff\x00", None, id="bytes"),
        pytest.param(b"text/plain; charset=" + b"x" * 9000, None, id="a long one"),
        pytest.param(b"; " * 40_000, None, id="many separators"),
    ],
)
def test_the_declared_charset(content_type: bytes, codec: str | None):
    """A known label gives its codec; any other is as good as none."""
    assert declared_charset(content_type) == codec
    assert codec is None or codecs.lookup(codec)


@pytest.mark.parametrize(("label", "codec"), CODECS)
@pytest.mark.parametrize("escaped", [False, True], ids=["raw", "escaped"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_forms_and_queries(label: str, codec: str, escaped: bool, method: str):
    """Bytes that are UTF-8 are UTF-8; others are of the declared charset, escaped or not."""
    encoded = TEXT.encode(codec)
    form = b"data[text]=" + (quote_from_bytes(encoded).encode() if escaped else encoded.replace(b" ", b"+")) + b"&id=1"
    charset = declared_charset(f"application/x-www-form-urlencoded; charset={label}".encode())
    delivery = Delivery("POST", b"", form, charset) if method == "POST" else Delivery("GET", form, b"", charset)
    assert delivery.decode() == {"data": {"text": TEXT}, "id": "1"}
    assert delivery.raw == form


@pytest.mark.parametrize(("label", "codec"), [*CODECS, pytest.param("utf-16", "utf-16", id="UTF-16")])
def test_json(label: str, codec: str):
    """As with forms."""
    body = json.dumps({"data": {"text": TEXT}}, ensure_ascii=False).encode(codec)
    delivery = Delivery("POST", b"", body, declared_charset(f"application/json; charset={label}".encode()))
    assert (delivery.request_method, delivery.decode()) == ("JSON", {"data": {"text": TEXT}})


def test_utf_16_of_ascii_alone():
    """It is UTF-8, too, with a NUL beside each character."""
    body = '{"a":"x"}'.encode("utf-16-le")
    assert Delivery("POST", b"", body, "utf-16-le").decode() == {"a": "x"}
    assert Delivery("POST", b"", b'a=\0"\xc3\xbc', "cp1252").decode() == {"a": '\0"ü'}


@pytest.mark.parametrize("label", ["", "utf-8", "x-unknown", "rot13"])
def test_without_a_known_charset_nothing_is_guessed(label: str):
    """Bytes that are not UTF-8 become lone surrogates in a form, so nothing is lost, and are no JSON."""
    charset = declared_charset(f"application/x-www-form-urlencoded; charset={label}".encode())
    assert Delivery("POST", b"", b"a=%FCber", charset).decode() == {"a": "\udcfcber"}
    with pytest.raises(Undecodable, match="not UTF-8"):
        Delivery("POST", b"", b'{"a":"\xfc"}', charset).decode()


def test_undefined_bytes_are_controls():
    """windows-1252 leaves five bytes undefined; ISO 8859-1 does not."""
    assert unquoted("%81%FC", "cp1252") == "\x81ü"
    assert as_utf8(b"\x81\xfc", "cp1252") == "\x81ü".encode()


def test_each_value_is_read_on_its_own():
    """A sender that mixes both, as one that escapes UTF-8 but declares the database's charset, is understood."""
    assert Delivery("POST", b"", b"a=%FC&b=%C3%BC&c=%25", "cp1252").decode() == {"a": "ü", "b": "ü", "c": "%"}


@given(
    encoded=st.binary(max_size=60),
    label=st.sampled_from(["utf-16", "utf-32", "big5", "gbk", "shift_jis", "euc-jp", "euc-kr", "koi8-r",
                           "windows-1255", "iso-8859-8", "ibm437", "macintosh", "latin2"]) | st.text(max_size=20),
)  # fmt: skip
def test_any_bytes_of_any_charset(encoded: bytes, label: str):
    """Whatever is declared, bytes are a payload or not understood; nothing else is raised."""
    charset = declared_charset(b"x; charset=" + label.encode("utf-8", "surrogatepass"))
    assert charset is None or codecs.lookup(charset)
    for text in (encoded, b"a=" + encoded, b"a=" + quote_from_bytes(encoded).encode()):
        with suppress(NotUnderstood):
            assert Delivery("POST", b"", text, charset).decode() is not None

"""Redaction: a sample has the structure, types and lengths of its payload, and nothing that anybody wrote."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seven.delivery import Delivery, Payload
from seven.errors import NotUnderstood
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.redaction import is_name, redacted
from tests.extent import examples
from tests.factories.envelopes import NOW
from tests.seven.corpus import CASES

TEXTS = (
    st.text() | st.from_regex(r"\+?[0-9]{4,15}", fullmatch=True) | st.sampled_from(["STOP bitte", "\U0001f600 hallo"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "sender", "newField"]) | TEXTS, inner),
)


def leaves(value: Any) -> Iterator[Any]:
    """Every value, and every name that is no name of a field."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (name,) if not is_name(name) else ()
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield value


def revealing(text: str) -> set[str]:
    """Runs of digits, and words, of which a person could be known."""
    return set(re.findall("[0-9]{4}", text)) | set(re.findall("[A-Za-z]{3,}", text))


def kinds(value: Any) -> Any:
    """Structure, types, and lengths of texts."""
    if isinstance(value, dict):
        return [kinds(inner) for inner in value.values()]
    if isinstance(value, list):
        return [kinds(inner) for inner in value]
    return (type(value), len(value)) if isinstance(value, str) else type(value)


@examples(30, 100)
@given(data=VALUES)
@example(data={"text": "0000 1111 2222 3333 4444"})
@example(data={"text": "the quick brown fox jumps over the lazy dog 4915112345678"})
@example(data={"49151": 1, "49152": 2, "49153": [3]})
def test_nothing_that_was_written_stays(data: Any):
    """No run of four digits and no word of any value is in the sample; its kinds are those of the payload."""
    payload = {"data": data}
    sample = redacted(payload)
    assert isinstance(sample, dict)
    assert kinds(sample) == kinds(payload)
    written = " ".join(map(str, leaves(payload)))
    kept = " ".join(map(str, leaves(sample)))
    assert not {piece for piece in revealing(written) if piece in kept}


@given(st.binary() | TEXTS.map(lambda text: json.dumps({"text": text}).encode()))
def test_nothing_of_bytes_stays(raw: bytes):
    """Undecodable bytes keep their length, and known names of fields."""
    sample = redacted(raw)
    assert isinstance(sample, bytes)
    known = {"text", "sender", "null", "true", "false"}
    kept = sample.decode("latin-1")
    assert not {piece for piece in revealing(raw.decode("latin-1")) - known if piece in kept}
    if b"\\" not in raw:
        assert len(sample) == len(raw)


@pytest.mark.parametrize("name", CASES)
def test_a_sample_of_the_corpus_says_how_it_was_sent(name: str):
    """Event types, statuses and the names of fields stay, also those that are not known here; nothing else does."""
    payload = CASES[name].verbatim.delivery.decode() | {"newField": "Anna"}
    sample = redacted(payload)
    assert isinstance(sample, dict)
    assert list(sample) == list(payload)
    assert sample["newField"] != "Anna"
    assert sample.get("webhook_event") == payload.get("webhook_event")
    sent, kept = Payload.of(payload, "dlr").fields, Payload.of(sample, "dlr").fields
    assert list(sent) == list(kept)
    assert not {str(value) for value in sent.values() if value is not None and len(str(value)) > 3} & {
        str(value)
        for key, value in kept.items()
        if key not in ("event", "status", "type", "message_type", "content_type")
    }


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_a_sample_in_a_string_is_still_json(event: type[Event]):
    """JSON within a text keeps its structure and the known names, with escapes."""
    for shape in event.shapes():
        text = json.dumps(dict(shape.example) | {"text": 'ü \U0001f600 "q"\n/'})
        sample = redacted({"data": text})
        assert isinstance(sample, dict)
        assert list(json.loads(sample["data"])) == list(json.loads(text))


def test_a_broken_form_keeps_its_names():
    """Escapes of punctuation stay, escapes of letters do not."""
    raw = b"data%5Bsender%5D=%2B4915112345678&data%5Btext%5D=Anna%20%C3%BC%34711&data%5Btext%5D=x"
    with pytest.raises(NotUnderstood):
        Payload.of(Delivery("POST", b"", raw).decode(), "sms_mo").event(NOW, NOW)
    sample = redacted(raw)
    assert isinstance(sample, bytes)
    assert sample.startswith(b"data%5Bsender%5D=%2B")
    assert b"Anna" not in sample
    assert b"4915" not in sample
    assert b"4711" not in sample

"""Fields: required and invalid ones are named in the error, their values are never shown."""

from typing import Any

import pytest

import seven.event
from seven.errors import InvalidPayload
from seven.event import Event
from seven.events import EVENT_TYPES
from seven.field_types import Price
from seven.record import fold
from seven.timestamps import Moment
from tests.seven.event_fields import (
    COUNTS,
    KEYS,
    NUMBERS,
    RECEIVED_AT,
    REFERENCES,
    REQUIRED,
    SHAPES,
    SHORT_TEXTS,
    TEXTS,
    TIMES,
    VALID,
    changed,
    event,
    every,
)

SECRET = "geheim4711"
TELLING = {"rcs RcsMessage": ("user_file",), "voice_call": ("caller",)}
"""Fields by which a shape is known among others, or an event that has no id, beside those that it requires."""


def invalid(event_type: str, fields: dict[str, Any]) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as raised:
        event(event_type, fields)
    return raised.value


def ignored(event_type: str, field: str, value: Any) -> str:
    """The remark on an event whose field has this value; apart from that it equals the event without the field."""
    parsed = event(event_type, changed(event_type, **{field: value}))
    assert parsed.model_copy(update={"remark": None}) == event(event_type, changed(event_type, **{field: None}))
    assert (parsed.remark or "").startswith(f"{field}: ")
    return parsed.remark or ""


@pytest.mark.parametrize(
    ("event_type", "required"),
    [
        pytest.param("dlr", ["msg_id", "status"], id="dlr"),
        pytest.param("voice_call", [], id="voice_call"),
        pytest.param("sms_mo", ["sender"], id="sms_mo"),
        pytest.param("tracking", ["sms_id", "tracking_url"], id="tracking"),
        pytest.param("voice_status", ["id", "status"], id="voice_status"),
        pytest.param("rcs RcsMessage", ["sender"], id="rcs, a message"),
        pytest.param("rcs RcsStatus", ["msg_id", "status"], id="rcs, a status"),
        pytest.param("rcs RcsTyping", ["status"], id="rcs, typing"),
        pytest.param("wa_mo", ["sender", "text"], id="wa_mo"),
    ],
)
def test_what_is_required(event_type: str, required: list[str]):
    """Only the fields that make up an event's key and its meaning are required."""
    assert REQUIRED[event_type] == required


@every(REQUIRED)
@pytest.mark.parametrize(
    "value",
    [pytest.param(..., id="missing"), pytest.param(None, id="null"), pytest.param("", id="empty")],
)
def test_a_missing_required_field_is_named(event_type: str, field: str, value: Any):
    """The error names the missing field, and only it."""
    fields = {name: content for name, content in changed(event_type, **{field: value}).items() if content is not ...}

    assert invalid(event_type, fields).wrong == {field: "missing or empty"}
    assert invalid(event_type, fields).reason == f"{event_type.partition(' ')[0]}: {field}: missing or empty"


@pytest.mark.parametrize("event_type", [name for name, event in EVENT_TYPES.items() if len(event.shapes()) == 1])
def test_every_missing_field_is_named(event_type: str):
    """One error names every missing field, not only the first."""
    assert list(invalid(event_type, {}).wrong) == [*REQUIRED[event_type], *TELLING.get(event_type, ())]


@pytest.mark.parametrize("event_type", SHAPES)
def test_optional_fields_may_be_omitted(event_type: str):
    """All but the required fields may be absent, null or blank: the vendor adds and removes fields."""
    required = {name: VALID[event_type][name] for name in (*REQUIRED[event_type], *TELLING.get(event_type, ()))}
    optional = SHAPES[event_type].model_fields.keys() - {"reported_at", *required}
    least = event(event_type, required)

    assert fold(least.project()) or event_type == "rcs RcsTyping"
    for blank in (None, "", " \t"):
        assert event(event_type, {**required, **dict.fromkeys(optional, blank)}) == least


@every(TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param([SECRET], id="a list"),
        pytest.param([], id="an empty list"),
        pytest.param({SECRET: SECRET}, id="an object"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
    ],
)
def test_a_text_of_the_wrong_type_is_named(event_type: str, field: str, value: Any):
    """The error names the text field whose value is no text, and only it."""
    assert invalid(event_type, changed(event_type, **{field: value})).wrong == {field: "text is expected"}


@every(SHORT_TEXTS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SECRET * 26, id="260 bytes"),
        pytest.param("ß" * 128, id="128 characters of two bytes"),
        pytest.param(int("4711" * 100), id="a number of 400 digits"),
        pytest.param(1e300, id="a float of 301 digits"),
    ],
)
def test_a_short_text_that_is_too_long_is_named(event_type: str, field: str, value: Any):
    """The error names an id or status that is too long for an index, and only it."""
    error = invalid(event_type, changed(event_type, **{field: value}))

    assert list(error.wrong) == [field]
    assert str(value) not in error.reason


@every(KEYS)
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_no_id_and_no_status_is_a_non_number(event_type: str, field: str, value: str):
    """So the decoder spells JSON's NaN: rows of many messages would be one."""
    assert list(invalid(event_type, changed(event_type, **{field: value})).wrong) == [field]


@every(REFERENCES)
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "undefined", "null"])
def test_a_reference_may_be_any_word(event_type: str, field: str, value: str):
    """A program of the sender's wrote it, in JavaScript for instance: the status counts all the same."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == value


@every(TIMES)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SECRET, id="a word"),
        pytest.param("0000-00-00 00:00:00", id="zeros"),
        pytest.param("null", id="null, as text"),
        pytest.param(0, id="zero"),
        pytest.param("0", id="zero, as text"),
        pytest.param(-4711, id="negative"),
        pytest.param(4711, id="the year 1970"),
        pytest.param("2099-12-31 23:59:59", id="the year 2099"),
        pytest.param("9" * 400, id="400 digits"),
        pytest.param(True, id="true"),
        pytest.param([1629786769], id="a list"),
    ],
)
def test_an_invalid_optional_time_is_ignored(event_type: str, field: str, value: Any):
    """The event is as without it, its remark names it: a status from the year 2099 would stand for ever."""
    remark = ignored(event_type, field, value)

    assert value in (0, True, "0") or str(value) not in remark


@every(NUMBERS)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SECRET, id="a word"),
        pytest.param(-4711, id="negative"),
        pytest.param("-4711", id="negative, a string"),
        pytest.param("4711,5", id="a comma"),
        pytest.param("4_711", id="an underscore"),
        pytest.param("0x4711", id="hexadecimal"),
        pytest.param("4711 EUR", id="a unit"),
        pytest.param("4711\x00", id="NUL"),
        pytest.param("4711\ud800", id="a lone surrogate"),
        pytest.param(4711 * 10**9, id="beyond 32 bits and 10 million euros"),
        pytest.param("4711" * 100, id="400 digits"),
        pytest.param(int("4711" * 100), id="400 digits, a number"),
        pytest.param("4711e999", id="an exponent"),
        pytest.param("1e999", id="infinite, as decoded"),
        pytest.param("NaN", id="NaN"),
        pytest.param("Infinity", id="Infinity"),
        pytest.param(True, id="true"),
        pytest.param([4711], id="a list"),
        pytest.param({"amount": 4711}, id="an object"),
    ],
)
def test_an_invalid_optional_number_is_ignored(event_type: str, field: str, value: Any):
    """The event is as without the count or price; its remark names the field, without quoting it."""
    remark = ignored(event_type, field, value)

    assert "4711" not in remark
    assert SECRET not in remark


@every(NUMBERS)
@pytest.mark.parametrize("value", [pytest.param("\x1c4711", id="leading"), pytest.param("4711\x1f", id="trailing")])
def test_a_separator_beside_a_number_is_not_shown(event_type: str, field: str, value: str):
    """A separator that `str.strip` removes but `int` rejects gives a number, or an error that does not quote it."""
    parsed = event(event_type, changed(event_type, **{field: value}))

    assert (getattr(parsed, field), parsed.remark) in (
        (4711, None), (None, f"{field}: a number is expected"), (None, f"{field}: a whole number is expected")
    )  # fmt: skip


@every(COUNTS)
@pytest.mark.parametrize("value", [pytest.param("47.11", id="a string"), pytest.param(47.11, id="a float")])
def test_a_count_is_whole(event_type: str, field: str, value: Any):
    """A count with a fraction is no count."""
    assert ignored(event_type, field, value) == f"{field}: a whole number is expected"


def test_a_remark_names_every_ignored_field():
    """In the order of the fields, `webhook_timestamp` first; an absent or blank one is none."""
    fields = changed("voice_status", duration="long", total_price=-1, timestamp="0")
    parsed = event("voice_status", fields, webhook_timestamp="0000-00-00 00:00:00")

    assert parsed.at == RECEIVED_AT
    assert parsed.remark == (
        "webhook_timestamp: no such time; duration: a number is expected; "
        "total_price: Input should be greater than or equal to 0; timestamp: an absurd time: before 2000"
    )
    assert event("dlr", VALID["dlr"], webhook_timestamp=" ").remark is None
    assert event("dlr", changed("dlr", remark="theirs")).remark is None


def test_a_required_field_stays_strict(monkeypatch: pytest.MonkeyPatch):
    """An invalid required time parks the delivery; then the error names the optional fields, too."""
    monkeypatch.setattr(seven.event, "EVENT_TYPES", {})

    class Reading(Event, event_type="reading"):
        time: Moment
        price: Price | None = None

    with pytest.raises(InvalidPayload) as raised:
        Reading.parse({"time": "0", "price": "free"}, RECEIVED_AT, RECEIVED_AT)

    assert raised.value.wrong == {"time": "an absurd time: before 2000", "price": "a number is expected"}

"""Fields: required and invalid ones are named in the error, their values are never shown."""

from typing import Any

import pytest

from seven.errors import InvalidPayload
from seven.events import EVENT_TYPES
from seven.records import fold
from tests.seven.event_fields import (
    COUNTS,
    NUMBERS,
    REQUIRED,
    SHORT_TEXTS,
    TEXTS,
    TIMES,
    VALID,
    changed,
    event,
    every,
)

SECRET = "geheim4711"


def invalid(event_type: str, fields: dict[str, Any]) -> InvalidPayload:
    with pytest.raises(InvalidPayload) as raised:
        event(event_type, fields)
    return raised.value


@pytest.mark.parametrize(
    ("event_type", "required"),
    [
        pytest.param("dlr", ["msg_id", "status"], id="dlr"),
        pytest.param("sms_mo", ["sender"], id="sms_mo"),
        pytest.param("tracking", ["sms_id", "tracking_url"], id="tracking"),
        pytest.param("voice_call", ["caller"], id="voice_call"),
        pytest.param("voice_status", ["id", "status"], id="voice_status"),
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
    assert invalid(event_type, fields).reason == f"{event_type}: {field}: missing or empty"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_missing_field_is_named(event_type: str):
    """One error names every missing field, not only the first."""
    assert list(invalid(event_type, {}).wrong) == REQUIRED[event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_optional_fields_may_be_omitted(event_type: str):
    """All but the required fields may be absent, null or blank: the vendor adds and removes fields."""
    required = {name: VALID[event_type][name] for name in REQUIRED[event_type]}
    optional = EVENT_TYPES[event_type].model_fields.keys() - {"reported_at", *required}
    least = event(event_type, required)

    assert fold(least.project())
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
        pytest.param("NaN", id="NaN"),
        pytest.param("-Infinity", id="Infinity"),
    ],
)
def test_an_invalid_short_text_is_named(event_type: str, field: str, value: Any):
    """The error names an id or status that is too long for an index or not a number (NaN), and only it."""
    error = invalid(event_type, changed(event_type, **{field: value}))

    assert list(error.wrong) == [field]
    assert str(value) not in error.reason


@every(TIMES)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SECRET, id="a word"),
        pytest.param("0000-00-00 00:00:00", id="zeros"),
        pytest.param(0, id="zero"),
        pytest.param(-4711, id="negative"),
        pytest.param(4711, id="the year 1970"),
        pytest.param("2099-12-31 23:59:59", id="the year 2099"),
        pytest.param("9" * 400, id="400 digits"),
        pytest.param(True, id="true"),
        pytest.param([1629786769], id="a list"),
    ],
)
def test_an_invalid_time_is_named(event_type: str, field: str, value: Any):
    """The error names the invalid time, and only it: a status from the year 2099 would stand for ever."""
    error = invalid(event_type, changed(event_type, **{field: value}))

    assert list(error.wrong) == [field]
    assert value in (0, True) or str(value) not in error.reason


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
def test_an_invalid_number_is_named(event_type: str, field: str, value: Any):
    """The error names the invalid count or price, and only it, without quoting it."""
    error = invalid(event_type, changed(event_type, **{field: value}))

    assert list(error.wrong) == [field]
    assert "4711" not in error.reason
    assert SECRET not in error.reason


@every(NUMBERS)
@pytest.mark.parametrize("value", [pytest.param("\x1c4711", id="leading"), pytest.param("4711\x1f", id="trailing")])
def test_a_separator_beside_a_number_is_not_shown(event_type: str, field: str, value: str):
    """A separator that `str.strip` removes but `int` rejects gives a number, or an error that does not quote it."""
    try:
        result: Any = getattr(event(event_type, changed(event_type, **{field: value})), field)
    except InvalidPayload as error:
        result = error.wrong[field]

    assert result in (4711, "a number is expected", "a whole number is expected")


@every(COUNTS)
@pytest.mark.parametrize("value", [pytest.param("47.11", id="a string"), pytest.param(47.11, id="a float")])
def test_a_count_is_whole(event_type: str, field: str, value: Any):
    """A count with a fraction is rejected."""
    assert invalid(event_type, changed(event_type, **{field: value})).wrong == {field: "a whole number is expected"}

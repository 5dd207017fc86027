"""Fields: what each kind of field takes, and that what it does not take is named and never shown."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seven.errors import InvalidPayload, NotUnderstood
from seven.events import EVENT_TYPES
from seven.records import Record, fold
from tests.seven.event_fields import (
    COUNTS,
    MOMENTS,
    NUMBERS,
    PRICES,
    REQUIRED,
    TEXTS,
    VALID,
    WORDS,
    changed,
    event,
    every,
)

SECRET = "geheim4711"


def misfit(event_type: str, fields: dict[str, Any]) -> InvalidPayload:
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
    """Required is what makes the key and the point of an event, and nothing else."""
    assert REQUIRED[event_type] == required


@every(REQUIRED)
@pytest.mark.parametrize(
    "value",
    [pytest.param(..., id="missing"), pytest.param(None, id="null"), pytest.param("", id="empty")],
)
def test_a_required_field_that_is_not_told_is_named(event_type: str, field: str, value: Any):
    """A field that makes the key or the point of an event must be told; the misfit names it, and only it."""
    told = {name: one for name, one in changed(event_type, **{field: value}).items() if one is not ...}

    assert misfit(event_type, told).wrong == {field: "missing or empty"}
    assert misfit(event_type, told).reason == f"{event_type}: {field}: missing or empty"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_missing_field_is_named(event_type: str):
    """One misfit names all that is wrong, not only the first."""
    assert list(misfit(event_type, {}).wrong) == REQUIRED[event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_what_is_not_required_may_be_left_out(event_type: str):
    """The vendor's fields come and go: an event is its required fields, the others may be absent, null or blank."""
    required = {name: VALID[event_type][name] for name in REQUIRED[event_type]}
    optional = EVENT_TYPES[event_type].model_fields.keys() - {"told_at", *required}
    least = event(event_type, required)

    assert fold(least.project())
    for nothing in (None, "", " \t"):
        assert event(event_type, {**required, **dict.fromkeys(optional, nothing)}) == least


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
def test_a_text_of_the_wrong_kind_is_named(event_type: str, field: str, value: Any):
    """A field of text that holds none is named, and only it."""
    assert misfit(event_type, changed(event_type, **{field: value})).wrong == {field: "text is expected"}


@every(WORDS)
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
def test_a_word_that_cannot_be_one_is_named(event_type: str, field: str, value: Any):
    """An id or a status that no index takes, or that is a calculation gone wrong, is named, and only it."""
    told = misfit(event_type, changed(event_type, **{field: value}))

    assert list(told.wrong) == [field]
    assert str(value) not in told.reason


@every(MOMENTS)
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
def test_a_time_that_is_none_is_named(event_type: str, field: str, value: Any):
    """A time that makes no sense is named, and only it: a status from the year 2099 would stand for ever."""
    told = misfit(event_type, changed(event_type, **{field: value}))

    assert list(told.wrong) == [field]
    assert value in (0, True) or str(value) not in told.reason


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
        pytest.param("1e999", id="infinite, as decoding keeps it"),
        pytest.param("NaN", id="NaN"),
        pytest.param("Infinity", id="Infinity"),
        pytest.param(True, id="true"),
        pytest.param([4711], id="a list"),
        pytest.param({"amount": 4711}, id="an object"),
    ],
)
def test_a_number_that_is_none_is_named(event_type: str, field: str, value: Any):
    """A count or a price that makes no sense is named, and only it, without repeating it."""
    told = misfit(event_type, changed(event_type, **{field: value}))

    assert list(told.wrong) == [field]
    assert "4711" not in told.reason
    assert SECRET not in told.reason


@every(NUMBERS)
@pytest.mark.parametrize("value", [pytest.param("\x1c4711", id="before it"), pytest.param("4711\x1f", id="after it")])
def test_a_separator_beside_a_number_is_not_shown(event_type: str, field: str, value: str):
    """What `str.strip` takes for blank and `int` does not is a number or a misfit, and a misfit does not repeat it."""
    try:
        told: Any = getattr(event(event_type, changed(event_type, **{field: value})), field)
    except InvalidPayload as wrong:
        told = wrong.wrong[field]

    assert told in (4711, "a number is expected", "a whole number is expected")


@every(COUNTS)
@pytest.mark.parametrize("value", [pytest.param("47.11", id="a string"), pytest.param(47.11, id="a float")])
def test_a_count_is_whole(event_type: str, field: str, value: Any):
    """Half a click is none."""
    assert misfit(event_type, changed(event_type, **{field: value})).wrong == {field: "a whole number is expected"}


@every(COUNTS)
@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param(4, 4, id="a number"),
        pytest.param("4", 4, id="a string"),
        pytest.param(" 4\n", 4, id="blanks around it"),
        pytest.param("004", 4, id="zeros before it"),
        pytest.param(4.0, 4, id="a float"),
        pytest.param("4.0", 4, id="a string with a fraction"),
        pytest.param("4e2", 400, id="an exponent"),
        pytest.param(0, 0, id="zero"),
        pytest.param("-0", 0, id="minus zero"),
        pytest.param(2**31 - 1, 2**31 - 1, id="the greatest"),
    ],
)
def test_a_count_is_read_as_it_is_written(event_type: str, field: str, value: Any, count: int):
    """Counts come as numbers and as strings."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == count


@every(PRICES)
@pytest.mark.parametrize(
    ("value", "price"),
    [
        pytest.param(0.075, "0.075", id="the documented one"),
        pytest.param("0.075", "0.075", id="a string"),
        pytest.param("0.0750000", "0.075", id="zeros after it"),
        pytest.param(0.1 + 0.2, "0.3", id="a float's dirt"),
        pytest.param(1e-05, "0.00001", id="a small float"),
        pytest.param("1.0E-5", "0.00001", id="a small one as PHP writes it"),
        pytest.param("0.000000015", "0.00000002", id="rounded half to even, up"),
        pytest.param("0.000000025", "0.00000002", id="rounded half to even, down"),
        pytest.param("1e-300", "0", id="next to nothing"),
        pytest.param(0, "0", id="zero"),
        pytest.param("-0.00", "0", id="minus zero"),
        pytest.param(100, "100", id="a hundred, not 1E+2"),
        pytest.param("1E+3", "1000", id="a thousand"),
        pytest.param("9999999.99999999", "9999999.99999999", id="the greatest"),
    ],
)
def test_a_price_is_exact(event_type: str, field: str, value: Any, price: str):
    """A price is exact to eight decimals, and equal prices are written alike."""
    read = getattr(event(event_type, changed(event_type, **{field: value})), field)

    assert str(read) == str(Decimal(price))


@every(TEXTS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(77149843739, "77149843739", id="a number beyond 32 bits"),
        pytest.param(77149843739.0, "77149843739", id="a float that is whole"),
        pytest.param(-7, "-7", id="a negative number"),
        pytest.param(0.5, "0.5", id="a float"),
        pytest.param("007", "007", id="zeros before it"),
        pytest.param("ä👍ß", "ä👍ß", id="beyond ASCII"),
        pytest.param("a\x00b\ud800c", "a\ufffdb\ufffdc", id="what no database keeps"),
        pytest.param("x" * 255, "x" * 255, id="255 bytes"),
    ],
)
def test_a_text_is_kept_as_it_is_told(event_type: str, field: str, value: Any, text: str):
    """Ids come as numbers and as strings, and are text; NUL and lone surrogates become U+FFFD."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == text


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_unknown_fields_do_not_matter(event_type: str):
    """The vendor adds fields; they change nothing, whatever they are called and hold."""
    strangers = {
        "err": "000",
        "told_at": "2001-01-01T00:00:00Z",
        "event_type": "all",
        "model_config": {"extra": "forbid"},
        "__class__": [1],
        "": "",
        "\ud800\x00": {"deep": [None]},
    }

    assert event(event_type, changed(event_type, **strangers)) == event(event_type, VALID[event_type])


# Fields holding what they should not, or nearly what they should.
ODD = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.builds(
        "{}47114711{}".format,
        st.text("-+ \t\n\x0b\x1c\x1f\x85\xa0\u2003\u0661.e", max_size=3),
        st.text("e.5 ", max_size=3),
    ),
    st.sampled_from(["2025-12-31 12:00:00", 1629786769, "completed", "click", 0, "0", "NaN", "1e999", 10**400, [], {}]),
)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@settings(max_examples=150, deadline=None)
@given(drawn=st.data())
def test_any_fields_are_an_event_or_a_reason(event_type: str, drawn: st.DataObject):
    """Whatever the fields hold is an event whose rows any database takes, or a reason that does not repeat it."""
    names = sorted(EVENT_TYPES[event_type].model_fields)
    fields = changed(event_type, **drawn.draw(st.dictionaries(st.sampled_from(names), ODD)))
    told, reason = None, "none"
    try:
        told = event(event_type, fields)
    except NotUnderstood as not_understood:
        reason = not_understood.reason

    assert "4711" not in reason
    assert reason.isprintable()
    assert told is None or told.subject
    for record in fold(() if told is None else told.project()):
        _assert_any_database_takes(record)


def _assert_any_database_takes(record: Record) -> None:
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if isinstance(value, str):
            assert "\x00" not in value
            value.encode()
        elif isinstance(value, Decimal):
            assert value.is_finite()
            assert 0 <= value < 10_000_000
        elif isinstance(value, datetime):
            assert timedelta(0) == value.utcoffset()
        elif value is not None:
            assert 0 <= value < 2**31

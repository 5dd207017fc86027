"""Field values: accepted values of each field type and their meaning; any value is an event or has a reason."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.errors import NotUnderstood
from seven.record import JOINS, Record, fold
from tests.extent import examples
from tests.seven.event_fields import (
    COUNTS,
    PHONE_NUMBERS,
    PRICES,
    SHAPES,
    TEXTS,
    VALID,
    changed,
    event,
    every,
)


@every(COUNTS)
@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param(4, 4, id="a number"),
        pytest.param("4", 4, id="a string"),
        pytest.param(" 4\n", 4, id="surrounding blanks"),
        pytest.param("004", 4, id="leading zeros"),
        pytest.param(4.0, 4, id="a float"),
        pytest.param("4.0", 4, id="a string with a fraction"),
        pytest.param("4e2", 400, id="an exponent"),
        pytest.param(0, 0, id="zero"),
        pytest.param("-0", 0, id="minus zero"),
        pytest.param(2**31 - 1, 2**31 - 1, id="the greatest"),
    ],
)
def test_counts_may_be_strings(event_type: str, field: str, value: Any, count: int):
    """Counts are accepted as numbers and as strings."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == count


@every(PRICES)
@pytest.mark.parametrize(
    ("value", "price"),
    [
        pytest.param(0.075, "0.075", id="the documented one"),
        pytest.param("0.075", "0.075", id="a string"),
        pytest.param("0.0750000", "0.075", id="trailing zeros"),
        pytest.param(0.1 + 0.2, "0.3", id="a float's rounding error"),
        pytest.param(1e-05, "0.00001", id="a small float"),
        pytest.param("1.0E-5", "0.00001", id="a small number in PHP's format"),
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
    """A price is exact to eight decimals, and equal prices have equal texts."""
    read = getattr(event(event_type, changed(event_type, **{field: value})), field)

    assert str(read) == str(Decimal(price))


@every(TEXTS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(77149843739, "77149843739", id="a number beyond 32 bits"),
        pytest.param(77149843739.0, "77149843739", id="a whole float"),
        pytest.param(-7, "-7", id="a negative number"),
        pytest.param(0.5, "0.5", id="a float"),
        pytest.param("007", "007", id="leading zeros"),
        pytest.param("ä👍ß", "ä👍ß", id="beyond ASCII"),
        pytest.param("a\x00b\ud800c", "a\ufffdb\ufffdc", id="unstorable characters"),
        pytest.param("x" * 255, "x" * 255, id="255 bytes"),
    ],
)
def test_texts_are_unchanged(event_type: str, field: str, value: Any, text: str):
    """Texts keep their value, and numbers become text; NUL and lone surrogates become U+FFFD."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == text


@every(PHONE_NUMBERS)
@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param(" 491771783130", "+491771783130", id="a plus that was not escaped"),
        pytest.param("  49 (177) 178-31.30/1", "+49 (177) 178-31.30/1", id="with separators"),
        pytest.param("+491771783130", "+491771783130", id="a plus"),
        pytest.param("491771783130", "491771783130", id="no plus"),
        pytest.param(491771783130, "491771783130", id="a number"),
        pytest.param(" Shop 24", " Shop 24", id="a name after a blank"),
        pytest.param("24 Shop", "24 Shop", id="a name that begins with digits"),
        pytest.param("\t4917", "\t4917", id="another blank"),
    ],
)
def test_a_number_that_begins_with_a_blank_had_a_plus(event_type: str, field: str, value: Any, number: str):
    """In a form an unescaped `+` is a blank."""
    assert getattr(event(event_type, changed(event_type, **{field: value})), field) == number


@pytest.mark.parametrize("event_type", VALID)
def test_unknown_fields_do_not_matter(event_type: str):
    """The vendor adds fields; they are ignored, whatever their names and values."""
    unknown = {
        "err": "000",
        "reported_at": "2001-01-01T00:00:00Z",
        "event_type": "all",
        "model_config": {"extra": "forbid"},
        "__class__": [1],
        "": "",
        "\ud800\x00": {"deep": [None]},
    }

    assert event(event_type, changed(event_type, **unknown)) == event(event_type, VALID[event_type])


# Invalid and nearly valid values.
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


@pytest.mark.parametrize("event_type", VALID)
@examples(50, 150)
@given(drawn=st.data())
def test_any_fields_are_an_event_or_a_reason(event_type: str, drawn: st.DataObject):
    """Any fields are an event whose rows any database accepts, or have a reason that does not quote them."""
    names = sorted(SHAPES[event_type].model_fields)
    fields = changed(event_type, **drawn.draw(st.dictionaries(st.sampled_from(names), ODD)))
    parsed, reason = None, "none"
    try:
        parsed = event(event_type, fields)
    except NotUnderstood as error:
        reason = error.reason

    assert "4711" not in reason
    assert reason.isprintable()
    assert parsed is None or parsed.subject
    for record in fold(() if parsed is None else parsed.project()):
        _assert_storable(record)


def _assert_storable(record: Record) -> None:
    for name in JOINS[type(record)].field_joins:
        value = getattr(record, name)
        if isinstance(value, str):
            assert "\x00" not in value
            value.encode()
        elif isinstance(value, Decimal):
            assert value.is_finite()
            assert 0 <= value < 10_000_000
        elif isinstance(value, datetime):
            assert timedelta(0) == value.utcoffset()
        elif isinstance(value, float):
            assert -180 <= value <= 180
        elif value is not None:
            assert 0 <= value < 2**31

"""Timestamps: each of the gateway's time formats gives one time in UTC; nonsense is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seven.timestamps import AHEAD, BERLIN, EARLIEST, plausible, read_moment

RECEIVED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def read(value: object) -> datetime:
    """Read a value like a field of an event."""
    return plausible(read_moment(value), RECEIVED_AT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2021-08-24 08:08:00.000000", "2021-08-24T06:08:00", id="the documented status report, in summer"),
        pytest.param("2020-01-09 15:41:30.656", "2020-01-09T14:41:30.656", id="the documented GET, in winter"),
        pytest.param("2020-12-02 11:55:44", "2020-12-02T10:55:44", id="no fraction"),
        pytest.param("2020-12-02T11:55:44", "2020-12-02T10:55:44", id="a T and no offset"),
        pytest.param("2021-08-24 08:08:00.1", "2021-08-24T06:08:00.100", id="one digit"),
        pytest.param("2021-08-24 08:08:00,802", "2021-08-24T06:08:00.802", id="a comma"),
        pytest.param("2021-08-24 08:08:00.123456789", "2021-08-24T06:08:00.123456", id="nine digits are cut"),
        pytest.param("2021-08-24 08:08:00." + "1" * 400, "2021-08-24T06:08:00.111111", id="400 digits are cut"),
        pytest.param(" 2021-08-24 08:08:00\r\n", "2021-08-24T06:08:00", id="surrounding blanks"),
        pytest.param("2021-08-24T08:08:00+02:00", "2021-08-24T06:08:00", id="the documented webhook_timestamp"),
        pytest.param("2021-08-24T08:08:00+0200", "2021-08-24T06:08:00", id="an offset without colon"),
        pytest.param("2021-08-24 08:08:00+02:00", "2021-08-24T06:08:00", id="an offset and no T"),
        pytest.param("2021-08-24T08:08:00.250-05:30", "2021-08-24T13:38:00.250", id="a negative offset"),
        pytest.param("2021-08-24T08:08:00 02:00", "2021-08-24T06:08:00", id="a plus that a form did not escape"),
        pytest.param("2021-08-24 08:08:00.5 0200", "2021-08-24T06:08:00.5", id="the same without T and colon"),
        pytest.param("2021-08-24T06:08:00Z", "2021-08-24T06:08:00", id="Z"),
        pytest.param("2021-08-24T06:08:00.123456Z", "2021-08-24T06:08:00.123456", id="Z after six digits"),
        pytest.param("2021-08-24T06:08:00+00:00", "2021-08-24T06:08:00", id="the offset of UTC"),
        pytest.param(1629786769, "2021-08-24T06:32:49", id="the documented epoch, a number"),
        pytest.param("1605878104", "2020-11-20T13:15:04", id="the documented epoch, a string"),
        pytest.param("1722576539.25", "2024-08-02T05:28:59.250", id="a string with a fraction"),
        pytest.param(1722576539.25, "2024-08-02T05:28:59.250", id="a float"),
        pytest.param(1722576539.0, "2024-08-02T05:28:59", id="a float without fraction"),
        pytest.param("1722576539.123456789", "2024-08-02T05:28:59.123456", id="an epoch's nine digits are cut"),
        pytest.param(1629786769000, "2021-08-24T06:32:49", id="milliseconds"),
        pytest.param("1629786769123", "2021-08-24T06:32:49.123", id="milliseconds, a string"),
        pytest.param("1629786769123.456789", "2021-08-24T06:32:49.123456", id="milliseconds with a fraction"),
        pytest.param(1629786769123.5, "2021-08-24T06:32:49.123500", id="milliseconds, a float"),
        pytest.param("946684800000", "2000-01-01T00:00:00", id="the earliest accepted time in milliseconds"),
        pytest.param("2025-10-26 01:59:59", "2025-10-25T23:59:59", id="before the repeated hour"),
        pytest.param("2025-10-26 02:30:00", "2025-10-26T00:30:00", id="in the repeated hour: the first, CEST"),
        pytest.param("2025-10-26 03:00:00", "2025-10-26T02:00:00", id="after the repeated hour"),
        pytest.param("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00", id="in the second one, with its offset"),
        pytest.param("2025-03-30 01:59:59", "2025-03-30T00:59:59", id="before the missing hour"),
        pytest.param("2025-03-30 02:30:00", "2025-03-30T01:30:00", id="in the missing hour: as if still CET"),
        pytest.param("2025-03-30 03:00:00", "2025-03-30T01:00:00", id="after the missing hour"),
        pytest.param("2024-02-29 12:00:00", "2024-02-29T11:00:00", id="a leap day"),
        pytest.param("2000-01-01T00:00:00Z", "2000-01-01T00:00:00", id="the earliest accepted time"),
        pytest.param("2026-01-02T12:00:00Z", "2026-01-02T12:00:00", id="a day ahead, the latest accepted time"),
    ],
)
def test_each_format_is_one_time(value: object, expected: str):
    """Every format of the gateway, and similar ones, give the time they mean."""
    time = read(value)

    assert time == datetime.fromisoformat(expected + "+00:00")
    assert time.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("yesterday", id="a word"),
        pytest.param("0", id="zero"),
        pytest.param(0, id="zero, a number"),
        pytest.param(-1, id="negative"),
        pytest.param("-1629786769", id="negative, a string"),
        pytest.param(-1629786769.5, id="negative, a float"),
        pytest.param("946684799", id="a second before 2000"),
        pytest.param("1e9", id="an exponent"),
        pytest.param(1e22, id="a float written with an exponent"),
        pytest.param(946684799999, id="a millisecond before 2000"),
        pytest.param(99_999_999_999, id="the year 5138, the last in seconds"),
        pytest.param(1629786769000000, id="microseconds"),
        pytest.param(-1629786769000, id="negative milliseconds"),
        pytest.param("99999999999999999999", id="20 digits"),
        pytest.param("1" * 400, id="400 digits, a string"),
        pytest.param(10**400, id="400 digits, a number"),
        pytest.param(10**5000, id="5000 digits, a number"),
        pytest.param(float("nan"), id="NaN"),
        pytest.param(float("inf"), id="Infinity"),
        pytest.param("NaN", id="NaN, as the decoder spells it"),
        pytest.param("0000-00-00 00:00:00", id="PHP's zero date"),
        pytest.param("0001-01-01T00:00:00+02:00", id="before the first year"),
        pytest.param("9999-12-31 23:59:59", id="the year 9999"),
        pytest.param("9999-12-31T23:59:59-02:00", id="after the last year"),
        pytest.param("2026-01-02T12:00:00.000001Z", id="more than a day ahead"),
        pytest.param("2021-02-29 12:00:00", id="no leap year"),
        pytest.param("2021-13-01 12:00:00", id="a thirteenth month"),
        pytest.param("2021-08-24 25:00:00", id="a 25th hour"),
        pytest.param("2021-08-24 24:00:00", id="a midnight after the 23rd hour"),
        pytest.param("2021-08-24T24:00:00Z", id="the same with an offset"),
        pytest.param("2021-08-24 23:59:60", id="a leap second"),
        pytest.param("2021-08-24T08:08:00+99:99", id="an absurd offset"),
        pytest.param("2021-08-24", id="a date"),
        pytest.param("2021-08-24 08:08", id="no seconds"),
        pytest.param("24.08.2021 08:08:00", id="German"),
        pytest.param("20210824T080800Z", id="compact"),
        pytest.param("2021-08-24 08:08:00 UTC", id="a zone's name"),
        pytest.param("2021-08-24 08:08:00\x00", id="NUL"),
        pytest.param("2021-08-24 08:08:00\ud800", id="a lone surrogate"),
        pytest.param("\u0662\u0660\u0662\u0661-08-24 08:08:00", id="other digits"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
        pytest.param(None, id="null"),
        pytest.param([1629786769], id="a list"),
        pytest.param({"date": "2021-08-24 08:08:00"}, id="an object"),
        pytest.param(b"1629786769", id="bytes"),
    ],
)
def test_nonsense_is_refused(value: object):
    """An invalid time is refused. The reason does not quote it, because reasons are shown and logged."""
    with pytest.raises(ValueError, match=r"\w") as raised:
        read(value)

    if not (isinstance(value, int) and abs(value) > 10**4000):
        assert not str(value).strip() or len(str(value)) < 3 or str(value) not in str(raised.value)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text("0123456789-+:.,TZ \x1c\u0661"), st.integers(), st.floats(), st.binary()))
@example("\x1c1629786769")
def test_any_value_is_a_time_or_refused(value: object):
    """Any value is a time in UTC or raises ValueError."""
    try:
        time = read(value)
    except ValueError:
        return

    assert time.tzinfo is UTC
    assert EARLIEST <= time <= RECEIVED_AT + AHEAD


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime.fromisoformat("2000-01-02"), datetime.fromisoformat("2025-12-30")))
def test_a_wall_clock_is_berlin_time(wall_clock: datetime):
    """A time read from a wall clock shows the same wall clock in Berlin, except in the missing hour."""
    shown = read(wall_clock.isoformat(" ")).astimezone(BERLIN).replace(tzinfo=None)

    assert shown in (wall_clock, wall_clock + timedelta(hours=1))
    assert shown == wall_clock or (wall_clock.month == 3 and wall_clock.hour == 2)

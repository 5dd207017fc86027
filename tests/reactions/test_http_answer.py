"""For how long targets ask to be left alone."""

import time
from email.utils import formatdate

import pytest

from reactions.backoff import LONGEST_S
from reactions.http_answer import retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("14400", 14_400.0),
        ("86400", LONGEST_S),
        ("31536000", LONGEST_S),
        ("9" * 5000, LONGEST_S),
        ("0", None),
        ("-5", None),
        ("7.5", None),
        ("1e3", None),
        ("\u00b2", None),
        ("\u0667", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("Sun, 99 Nov 2094 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 2094 08:49:37 GMT", LONGEST_S),
        ("," * 65_000, None),
    ],
)
def test_seconds(value: str | None, seconds: float | None):
    """At most a day; nothing for what is neither a number of seconds nor a date to come."""
    assert retry_after(value) == seconds


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("form", ["{} GMT", "{} -0000", "{} +0000", "{}"])
def test_dates_are_of_greenwich(form: str, zone: str, monkeypatch: pytest.MonkeyPatch):
    """Whatever the zone of this machine is, and whether a target names one."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        date = formatdate(time.time() + 3600, usegmt=True).removesuffix(" GMT")
        seconds = retry_after(form.format(date))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seconds is not None
    assert 3000 < seconds <= 3600

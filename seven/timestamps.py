"""Timestamps: parses the gateway's time formats into aware UTC datetimes.

Epochs are UTC, ISO times carry their offset, and a bare wall clock is Europe/Berlin: the status report's
`2021-08-24 08:08:00.000000` came with `webhook_timestamp` `2021-08-24T08:08:00+02:00` (the vendor's own sample). An
epoch is in seconds, as in every sample, or in milliseconds, which its magnitude shows.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationInfo

BERLIN = ZoneInfo("Europe/Berlin")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before the gateway existed
AHEAD = timedelta(days=1)  # beyond any clock's error; a status from the year 2099 would stand for ever

_AMBIGUITY = timedelta(hours=1)

TOO_FAR_AHEAD = "an absurd time: more than a day ahead"
"""The one flaw of a time that is relative to a clock; all others are the value's own."""

_FIRST_MS = 10**11
"""From here on an epoch is in milliseconds: as such it is in 1973, before EARLIEST, as seconds after the year 5000."""

_EPOCH = re.compile(r"-?\d{1,20}(\.\d+)?")
_WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?")
_WITH_OFFSET = re.compile(_WALL_CLOCK.pattern + r"(Z|[ +-]\d\d:?\d\d)")
_WITHOUT_PLUS = re.compile(r" (?=\d\d:?\d\d$)")  # a form's `+`, which its sender did not escape


def read_moment(value: object) -> datetime:
    """Parse any of the gateway's time formats into aware UTC with microseconds.

    The ambiguous hour of autumn and the missing hour of spring always take `fold=0`. `webhook_timestamp` could
    resolve them, but a retry may renew it: one event would get two times. The result's own `fold` is 1 where there is
    a later reading: `latest_reading`.

    Raises ValueError; its message never quotes the value.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("a time is expected")
    text = str(value).strip()
    try:
        if _EPOCH.fullmatch(text):
            return _from_epoch(*text.partition(".")[::2])
        if _WALL_CLOCK.fullmatch(text):
            return _from_wall_clock(_from_iso_format(text))
        if _WITH_OFFSET.fullmatch(text):
            return _from_iso_format(_WITHOUT_PLUS.sub("+", text)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("no such time") from error
    raise ValueError("neither an epoch nor YYYY-MM-DD HH:MM:SS, with or without offset")


def latest_reading(moment: datetime) -> datetime:
    """The later of the two times that a wall clock of the ambiguous hour may mean; any other time itself."""
    return moment + _AMBIGUITY if moment.fold else moment


def latest_wall_reading(moment: datetime) -> datetime:
    """The later of the two times that Berlin's wall clock shows alike with this one, of which `fold` is lost."""
    return latest_reading(_from_wall_clock(moment.astimezone(BERLIN).replace(tzinfo=None)))


def _from_wall_clock(wall: datetime) -> datetime:
    """The earlier of its readings, marked by `fold` if there is a later one; for comparisons, `fold` means nothing."""
    offset, fold = _offset_in_hour(wall.year, wall.month, wall.day, wall.hour)
    return (wall - offset).replace(tzinfo=UTC, fold=fold)


@lru_cache(maxsize=1024)
def _offset_in_hour(year: int, month: int, day: int, hour: int) -> tuple[timedelta, int]:
    """Berlin's offset in an hour of its wall clock, by the earlier reading; and 1 if there is a later one, else 0.

    Since 1893 it changes at full hours. Looking it up takes longer than the rest, and most times are of the same hours.
    """
    first, second = (datetime(year, month, day, hour, tzinfo=BERLIN, fold=fold).astimezone(UTC) for fold in (0, 1))
    offset = datetime(year, month, day, hour, tzinfo=UTC) - first
    return offset, int(second - first == _AMBIGUITY)


def _from_iso_format(text: str) -> datetime:
    if text[11:13] == "24":  # Python takes it for the next midnight from 3.14 on
        raise ValueError("a 24th hour")
    return datetime.fromisoformat(text.replace(",", "."))


def _from_epoch(whole: str, fraction: str) -> datetime:
    """The time of an epoch's digits before and after its point; what is finer than a microsecond is cut."""
    units = int(whole)
    if units < _FIRST_MS:
        return datetime.fromtimestamp(units, UTC) + timedelta(microseconds=int((fraction + "000000")[:6]))
    seconds, ms = divmod(units, 1000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=ms, microseconds=int((fraction + "000")[:3]))


def plausible(moment: datetime, until: datetime | None) -> datetime:
    """Return the time. Raises ValueError for one before EARLIEST, or more than AHEAD after `until`.

    `until` is the latest trusted time; None accepts any future time.
    """
    if moment < EARLIEST:
        raise ValueError("an absurd time: before 2000")
    if until is not None and moment > until + AHEAD:
        raise ValueError(TOO_FAR_AHEAD)
    return moment


def _validate(value: Any, info: ValidationInfo) -> datetime:
    context: dict[str, Any] = info.context or {}
    if info.field_name in context.get("too_far_ahead", ()):
        raise ValueError(TOO_FAR_AHEAD)
    return plausible(read_moment(value), context["until"])


Moment = Annotated[datetime, BeforeValidator(_validate)]
"""A time in an event's field; validated with a context of `until`, and of `too_far_ahead`, names of fields."""

"""Timestamps: parses the gateway's time formats into aware UTC datetimes.

Epochs are UTC, ISO times carry their offset, and a bare wall clock is Europe/Berlin: the status report's
`2021-08-24 08:08:00.000000` came with `webhook_timestamp` `2021-08-24T08:08:00+02:00` (the vendor's own sample).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationInfo

BERLIN = ZoneInfo("Europe/Berlin")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before the gateway existed
AHEAD = timedelta(days=1)  # beyond any clock's error; a status from the year 2099 would stand for ever

_EPOCH = re.compile(r"-?\d{1,20}(\.\d+)?")
_WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?")
_WITH_OFFSET = re.compile(_WALL_CLOCK.pattern + r"(Z|[+-]\d\d:?\d\d)")


def read_moment(value: object) -> datetime:
    """Parse any of the gateway's time formats into aware UTC with microseconds.

    The ambiguous hour of autumn and the missing hour of spring always take `fold=0`. `webhook_timestamp` could
    resolve them, but a retry may renew it: one event would get two times.

    Raises ValueError; its message never quotes the value.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("a time is expected")
    text = str(value).strip()
    try:
        if _EPOCH.fullmatch(text):
            seconds, _, fraction = text.partition(".")
            return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int((fraction + "000000")[:6]))
        if _WALL_CLOCK.fullmatch(text):
            return datetime.fromisoformat(text.replace(",", ".")).replace(tzinfo=BERLIN, fold=0).astimezone(UTC)
        if _WITH_OFFSET.fullmatch(text):
            return datetime.fromisoformat(text.replace(",", ".")).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("no such time") from error
    raise ValueError("neither an epoch nor YYYY-MM-DD HH:MM:SS, with or without offset")


def plausible(moment: datetime, until: datetime | None) -> datetime:
    """Return the time. Raises ValueError for one before EARLIEST, or more than AHEAD after `until`.

    `until` is the latest trusted time; None accepts any future time.
    """
    if moment < EARLIEST or (until is not None and moment > until + AHEAD):
        raise ValueError("an absurd time: before 2000 or more than a day ahead")
    return moment


def _validate(value: Any, info: ValidationInfo) -> datetime:
    context: dict[str, datetime | None] = info.context or {}
    return plausible(read_moment(value), context["until"])


Moment = Annotated[datetime, BeforeValidator(_validate)]
"""A time in an event's field; validated with `context={"until": …}`."""

"""Moment: the gateway's several ways to write a time, as one aware UTC datetime.

Epochs are UTC, ISO times carry their offset, and a bare wall clock is Europe/Berlin: the status report's
`2021-08-24 08:08:00.000000` came with `webhook_timestamp` `2021-08-24T08:08:00+02:00` (the vendor's own sample).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationInfo

BERLIN = ZoneInfo("Europe/Berlin")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # the gateway is younger
AHEAD = timedelta(days=1)  # more than any clock's error; a status from the year 2099 would stand for ever

_EPOCH = re.compile(r"-?\d{1,20}(\.\d+)?")
_WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?")
_WITH_OFFSET = re.compile(_WALL_CLOCK.pattern + r"(Z|[+-]\d\d:?\d\d)")


def read_moment(value: object) -> datetime:
    """Any of the gateway's time notations, as aware UTC with microseconds.

    The ambiguous hour of autumn and the missing hour of spring are read with `fold=0`, always: what else the
    delivery says (`webhook_timestamp`) may be renewed by a retry and would give one event two times.

    Raises ValueError, whose text never repeats the value.
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
    except (ValueError, OverflowError, OSError) as absurd:
        raise ValueError("no such time") from absurd
    raise ValueError("neither an epoch nor YYYY-MM-DD HH:MM:SS, with or without offset")


def plausible(moment: datetime, until: datetime | None) -> datetime:
    """The moment itself. Raises ValueError for one before the gateway was, or well after `until`.

    That is the latest time that we can trust; None where there is none to be judged by.
    """
    if moment < EARLIEST or (until is not None and moment > until + AHEAD):
        raise ValueError("an absurd time: before 2000 or more than a day ahead")
    return moment


def _validate(value: Any, info: ValidationInfo) -> datetime:
    context: dict[str, datetime | None] = info.context or {}
    return plausible(read_moment(value), context["until"])


Moment = Annotated[datetime, BeforeValidator(_validate)]
"""An event's field holding a time; validated with `context={"until": …}`."""

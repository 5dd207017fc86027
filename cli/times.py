"""Times: the options for a time range, how a time may be written, and how an age is shown."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.exits import ExitCode, fail
from ledger.stats import DELAY_S

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Received then or later: ISO 8601, else in UTC, or 30m, 2h, 3d."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Received before then.")]

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(option: str, told: str | None) -> datetime | None:
    """A time as it was told: absolute, or as long before now; None where none was.

    Ends with exit code 2 for one that is none, an empty one too: a script's unset variable is no "for ever".
    """
    if told is None:
        return None
    try:
        if ago := _AGO.fullmatch(told.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(told.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(ExitCode.USAGE, f"{option}: a time is expected, such as 2026-03-29T12:00:00Z, 2026-03-29, 30m, 2h or 3d")


AHEAD = timedelta(seconds=-DELAY_S)
"""An age below this is of something in the future: Redis' clock was ahead when it happened, and has been set back."""
SET_BACK = "Redis' clock was set back: doctor compares the clocks"


def ago(span: timedelta) -> str:
    """A span of time in its two greatest units; a negative one with its sign."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return f"-{ago(-span)}"
    for unit, name, below, lesser in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            return f"{seconds // unit} {name} {seconds % unit // below} {lesser}"
    return f"{seconds} s"


def when(age: timedelta) -> str:
    """How long ago something was; in the future, where it was by a clock that has been set back since."""
    return f"{ago(age)} ago" if age.total_seconds() > -1 else f"{ago(-age)} in the future by Redis' clock"

"""Times: the options that bound what is meant by when it was received, and how a time may be told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.exits import ExitCode, fail

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

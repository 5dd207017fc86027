"""Times on the command line: the options of a range, the notations they take, and how ages are shown."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.exits import ExitCode, fail

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Received at that time or later: ISO 8601 or yesterday 11:00, UTC without an offset, or 30m, 2h, 3d ago.",
    ),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Received before that time.")]

_CLOCK = re.compile(r"(?:(today|yesterday)[ ,]*)?(\d{1,2}):(\d\d)(?::(\d\d))? ?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)
_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(option: str, text: str | None) -> datetime | None:
    """An absolute time, one of today or yesterday, or a span before now; None if the option is not given.

    Ends with exit code 2 for any other text, also an empty one: a script's unset variable must not mean "for ever".
    """
    if text is None:
        return None
    try:
        if span := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if clock := _CLOCK.fullmatch(text.strip()):
            return _of_the_clock(*clock.groups())
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(
            ExitCode.USAGE,
            f"{option}: a time is expected, such as 2026-03-29T12:00:00Z, 2026-03-29, yesterday 11:00, 30m or 3d",
        )


def _of_the_clock(day: str | None, hour: str, minute: str, second: str | None, offset: str | None) -> datetime:
    """A time of today or yesterday, in UTC or where the offset is; without a day the latest such time."""
    zone = UTC if offset in (None, "Z", "z") else datetime.fromisoformat(f"2000-01-01T00:00{offset}").tzinfo
    now = datetime.now(zone)
    at = now.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0)
    if (day or "").lower() == "yesterday" or (day is None and at > now):
        at -= timedelta(days=1)
    return at.astimezone(UTC)

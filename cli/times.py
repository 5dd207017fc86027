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
        help="Received at that time or later: ISO 8601, UTC without an offset, or 30m, 2h, 3d ago.",
    ),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Received before that time.")]

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(option: str, text: str | None) -> datetime | None:
    """An absolute time, or a span before now; None if the option is not given.

    Ends with exit code 2 for any other text, also an empty one: a script's unset variable must not mean "for ever".
    """
    if text is None:
        return None
    try:
        if span := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(ExitCode.USAGE, f"{option}: a time is expected, such as 2026-03-29T12:00:00Z, 2026-03-29, 30m, 2h or 3d")

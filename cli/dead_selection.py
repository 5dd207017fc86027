"""The options by which `dead` is told which deliveries are meant; the same for all that it does."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from cli.exits import ExitCode, fail
from seven.words import storable
from workers.selecting import OPEN, Selection


class Outcome(StrEnum):
    """The outcomes of deliveries that were not applied."""

    PARKED = "parked"
    QUARANTINED = "quarantined"
    DEAD = "dead"
    DISCARDED = "discarded"


Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Deliveries by their own ids.")]
Outcomes = Annotated[list[Outcome] | None, typer.Option("--outcome", help="Of this outcome; repeatable.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="EVENT_TYPE", help="Of this event type; repeatable.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Whose reason has this in it.")]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Received then or later: ISO 8601, else in UTC, or 30m, 2h, 3d.")
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Received before then.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest.")]

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def selection(
    *,
    ids: list[str] | None,
    outcomes: list[Outcome] | None,
    event_types: list[str] | None,
    reason: str,
    since: str,
    until: str,
    limit: int | None,
    default: tuple[str, ...] = OPEN,
) -> Selection:
    """What was told. Named by its id a delivery of any outcome is meant, else those of `default`.

    Ends with exit code 2 for a time that is none.
    """
    return Selection(
        ids=tuple(storable(one.strip()) for one in ids or ()),
        outcomes=tuple(str(one) for one in outcomes or (Outcome if ids else default)),
        event_types=tuple(storable(one) for one in event_types or ()),
        reason=storable(reason),
        since=moment("--since", since),
        until=moment("--until", until),
        limit=limit,
    )


def moment(option: str, told: str) -> datetime | None:
    """A time as it was told: absolute, or as long before now. Ends with exit code 2 for one that is none."""
    if not told.strip():
        return None
    try:
        if ago := _AGO.fullmatch(told.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(told.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(ExitCode.USAGE, f"{option}: a time is expected, such as 2026-03-29T12:00:00Z, 2026-03-29, 30m, 2h or 3d")

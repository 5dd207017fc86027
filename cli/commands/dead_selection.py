"""The options by which `dead` is told which deliveries are meant; the same for all that it does."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.exits import ExitCode, fail
from cli.times import parse_time
from operations.dead_letters import OPEN, Selection
from seven.field_types import storable


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
Sources = Annotated[
    list[str] | None, typer.Option("--source", metavar="ADDRESS", help="That came from this address; repeatable.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Whose reason has this in it.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest.")]


def selection(
    *,
    ids: list[str] | None,
    outcomes: list[Outcome] | None,
    event_types: list[str] | None,
    sources: list[str] | None,
    reason: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    default: tuple[str, ...] = OPEN,
) -> Selection:
    """What was told. Named by its id a delivery of any outcome is meant, else those of `default`.

    Ends with exit code 2 for a time that is none, and for words that are empty: they would mean everything.
    """
    words = (*(ids or ()), *(event_types or ()), *(sources or ()), "-" if reason is None else reason)
    if not all(one.strip() for one in words):
        fail(ExitCode.USAGE, "An id, --type, --source or --reason is empty.")
    return Selection(
        ids=tuple(storable(one.strip()) for one in ids or ()),
        outcomes=tuple(str(one) for one in outcomes or (Outcome if ids else default)),
        event_types=tuple(storable(one) for one in event_types or ()),
        sources=tuple(storable(one.strip()) for one in sources or ()),
        reason=storable(reason or ""),
        since=parse_time("--since", since),
        until=parse_time("--until", until),
        limit=limit,
    )

"""The options that select deliveries, the same for each command of `dead`."""

import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.exits import ExitCode, fail
from cli.options import MOST_ROWS
from cli.times import Since, Until, parse_time
from operations.dead_letters import Selection
from runtime.ip_address import canonical_address
from seven.field_types import storable
from store.schema import OPEN_OUTCOMES


class Outcome(StrEnum):
    """The outcomes of deliveries that were not applied."""

    PARKED = "parked"
    QUARANTINED = "quarantined"
    DEAD = "dead"
    DISCARDED = "discarded"


Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids of deliveries.")]
Outcomes = Annotated[list[Outcome] | None, typer.Option("--outcome", help="With this outcome; repeatable.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="EVENT_TYPE", help="Of this event type; repeatable.")
]
Sources = Annotated[
    list[str] | None, typer.Option("--source", metavar="ADDRESS", help="Sent from this address; repeatable.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="With this text in the reason.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, max=MOST_ROWS, help="At most this many, the newest.")]


def selection(
    *,
    ids: Ids = None,
    outcomes: Outcomes = None,
    event_types: Types = None,
    sources: Sources = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    default_outcomes: tuple[str, ...] = OPEN_OUTCOMES,
) -> Selection:
    """The deliveries that the options select: without --outcome those of `default_outcomes`, by id of any outcome.

    Ends with exit code 2 for an invalid time, and for an empty text, which would select everything.
    """
    texts = (*(ids or ()), *(event_types or ()), *(sources or ()), "-" if reason is None else reason)
    if not all(text.strip() for text in texts):
        fail(ExitCode.USAGE, "An id, --type, --source or --reason is empty.")
    return Selection(
        ids=tuple(storable(delivery_id.strip()) for delivery_id in ids or ()),
        outcomes=tuple(map(str, outcomes or (Outcome if ids else default_outcomes))),
        event_types=tuple(map(storable, event_types or ())),
        sources=tuple(spelling for source in sources or () for spelling in _spellings(storable(source.strip()))),
        reason=storable(reason or ""),
        since=parse_time("--since", since),
        until=parse_time("--until", until),
        limit=limit,
    )


def _spellings(source: str) -> set[str]:
    """An address as it is given, and as receivers store it."""
    return {source, canonical_address(source) or source}


_OPTIONS = {
    name: option for name, option in inspect.signature(selection).parameters.items() if name != "default_outcomes"
}


def takes_selection(
    default_outcomes: tuple[str, ...] = OPEN_OUTCOMES,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command: its first parameter, a Selection, becomes the options of `selection`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapper(**arguments: Any) -> None:
            options = {name: arguments.pop(name) for name in _OPTIONS}
            command(selection(**options, default_outcomes=default_outcomes), **arguments)

        _, *others = inspect.signature(command).parameters.values()
        signature = inspect.Signature([*_OPTIONS.values(), *others])
        wrapper.__signature__ = signature  # type: ignore[attr-defined]  # typer reads it
        return wrapper

    return decorate

"""Carrying out what somebody has seen the plan of and agreed to, in portions, and how it ended."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer
from sqlalchemy import Engine

from cli.exits import ExitCode, fail
from cli.progress import Portions
from workers.store.writing import Refused, Store, StoreAway


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why something ended before its end, and how far it had come."""

    code: ExitCode
    cause: str
    done: int


def askable(no_need: bool) -> None:
    """Ends with exit code 2 where a yes is needed and nobody is there to give it."""
    if not no_need and not sys.stdin.isatty():
        fail(ExitCode.USAGE, "Nobody can be asked here: look at what --dry-run says, then say --yes.")


def ask(yes: bool, what: str) -> None:
    """Ends with exit code 1 where the answer is no."""
    if not yes and not typer.confirm(what, err=True):
        raise typer.Exit(ExitCode.WRONG)


def carry_out(
    engine: Engine, chosen: Sequence[str], what: str, rate: float, act: Callable[[Store, Sequence[str]], None]
) -> Stopped | None:
    """Act on portions, `rate` of them a second; returns why not on all."""
    store = Store(engine)
    portions = Portions(chosen, what, rate)
    try:
        with portions:
            for portion in portions:
                act(store, portion)
    except (StoreAway, Refused) as error:
        return Stopped(ExitCode.UNKNOWN, f"The database does not take anything: {error}", portions.done)
    return Stopped(ExitCode.WRONG, "interrupted", portions.done) if portions.done < len(chosen) else None


def why(stopped: Stopped | None) -> str | None:
    """The cause, for a script."""
    return stopped.cause if stopped else None


def end(stopped: Stopped | None, what: str, of: int) -> None:
    """Ends the command where it was stopped."""
    if stopped:
        fail(
            stopped.code,
            f"{stopped.cause[0].upper()}{stopped.cause[1:]}. {stopped.done} of {of} were {what}.",
            "What is done is done; the same command again does the rest.",
        )

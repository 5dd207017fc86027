"""Exits: exit codes and the sentence that goes with each; how something long reports that it was interrupted."""

import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn

import typer


class ExitCode(IntEnum):
    """What the exit code of every command means."""

    GOOD = 0
    WRONG = 1
    """It found something wrong."""
    USAGE = 2
    """It was called or configured wrongly."""
    UNKNOWN = 3
    """It could not find out: a server did not answer, or refused."""


def fail(code: ExitCode, *lines: str) -> NoReturn:
    """End the command, saying why on standard error. Raises typer.Exit."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why something ended before its end, and how far it had come."""

    code: ExitCode
    cause: str
    done: int


def why(stopped: Interruption | None) -> str | None:
    """The cause, for a script."""
    return stopped.cause if stopped else None


def end(stopped: Interruption | None, what: str, of: int) -> None:
    """Ends the command where it was stopped."""
    if stopped:
        fail(
            stopped.code,
            f"{stopped.cause[0].upper()}{stopped.cause[1:]}. {stopped.done} of {of} were {what}.",
            "What is done is done; the same command again does the rest.",
        )

"""Exits: how a command ends, in a number for scripts and a sentence for people."""

import sys
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

"""Exit codes, and how a command ends: with a message, or with the reason why it was interrupted."""

import shutil
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
    """It could not find out: a server did not answer, or refused; or its output could not be written."""
    FAULT = 70
    """An exception that no command handles: a fault of the program (EX_SOFTWARE)."""


def fail(code: ExitCode, *lines: str) -> NoReturn:
    """End the command with these lines on standard error, on a terminal broken between words. Raises typer.Exit."""
    if sys.stderr.isatty():
        from cli.output.sentences import wrapped  # noqa: PLC0415 - it takes long to import

        width = shutil.get_terminal_size().columns
        lines = tuple(part for line in lines for part in wrapped(line, width))
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why a command stopped early, and how many of its items are done."""

    code: ExitCode
    reason: str
    done: int


def reason_of(interruption: Interruption | None) -> str | None:
    """The reason as a value of `--json`."""
    return interruption.reason if interruption else None


def end_if_interrupted(interruption: Interruption | None, participle: str, total: int) -> None:
    """End the command with the code of its interruption, if there was one. Raises typer.Exit."""
    if interruption:
        reason = f"{interruption.reason[0].upper()}{interruption.reason[1:]}"
        fail(
            interruption.code,
            f"{reason}. {interruption.done} of {total} were {participle}.",
            "What is done stays done; run the same command again for the rest.",
        )

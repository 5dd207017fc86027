"""Stopped: something long ended before its end; why, how far it had come, and that it can be taken up again."""

from dataclasses import dataclass

from cli.exits import ExitCode, fail


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why something ended before its end, and how far it had come."""

    code: ExitCode
    cause: str
    done: int


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

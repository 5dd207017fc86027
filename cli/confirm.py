"""Consent: nothing is changed before somebody has said yes to it."""

import sys

import typer

from cli.exits import ExitCode, fail


def askable(no_need: bool, look_at: str = "what --dry-run says") -> None:
    """Ends with exit code 2 where a yes is needed and nobody is there to give it."""
    if not no_need and not sys.stdin.isatty():
        fail(ExitCode.USAGE, f"Nobody can be asked here: look at {look_at}, then say --yes.")


def ask(no_need: bool, what: str) -> None:
    """Ask on standard error: an answer in JSON stays one. Ends with exit code 1 where the answer is no."""
    if not no_need and not typer.confirm(what, err=True):
        raise typer.Exit(ExitCode.WRONG)

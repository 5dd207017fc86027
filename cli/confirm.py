"""Confirmation: commands change nothing before the operator has agreed."""

import sys
import termios

import typer

from cli.exits import ExitCode, fail


def require_terminal(skip: bool, preview: str = "--dry-run") -> None:
    """End with exit code 2 if a confirmation is needed, and standard input is no terminal to ask on."""
    if not skip and not sys.stdin.isatty():
        fail(ExitCode.USAGE, f"Standard input is no terminal: check the output of {preview}, then pass --yes.")


def confirm(skip: bool, question: str) -> None:
    """Ask on standard error, so that standard output stays JSON. Ends with exit code 1 if the answer is no.

    What was typed before the question was there to be read is no answer to it.
    """
    if skip:
        return
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    if not typer.confirm(question, err=True):
        raise typer.Exit(ExitCode.WRONG)

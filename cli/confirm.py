"""Confirmation: commands change nothing before the operator has agreed."""

import sys

import typer

from cli.exits import ExitCode, fail


def require_terminal(skip: bool, preview: str = "--dry-run") -> None:
    """End with exit code 2 if a confirmation is needed, and standard input is no terminal to ask on."""
    if not skip and not sys.stdin.isatty():
        fail(ExitCode.USAGE, f"Standard input is no terminal: check the output of {preview}, then pass --yes.")


def confirm(skip: bool, question: str) -> None:
    """Ask on standard error, so that standard output stays JSON. Ends with exit code 1 if the answer is no."""
    if not skip and not typer.confirm(question, err=True):
        raise typer.Exit(ExitCode.WRONG)

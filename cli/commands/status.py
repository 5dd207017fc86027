"""status: the one command for three in the morning."""

import time
from contextlib import suppress
from typing import Annotated

import typer

from cli.context import examined
from cli.exits import ExitCode, fail
from cli.options import AsJson
from cli.output.checks import exit_code
from cli.output.status import print_status, status_as_dict
from cli.output.terminal import console, document
from cli.standard_streams import is_unread
from operations.checks.check import Check
from operations.checks.readings import read_now
from operations.checks.registry import judge_now
from operations.checks.subject import Subject

DAY_S = 86_400


def status(
    as_json: AsJson = False,
    watch: Annotated[
        float | None,
        typer.Option("--watch", metavar="SECONDS", min=1, max=DAY_S, help="Look again and again, until Ctrl-C."),
    ] = None,
) -> None:
    """Show whether deliveries come in and are applied, what waits or is dead, how the hooks are, what is new.

    Changes nothing. Exit code 1 when something is wrong, and for each such thing what to type next.
    """
    subject = examined()
    if watch is not None and as_json:
        fail(ExitCode.USAGE, "--watch is for people, --json for scripts: one of them, please.")
    checks = _look(subject, as_json=as_json)
    if watch is not None:
        with suppress(KeyboardInterrupt):
            while not is_unread():
                time.sleep(watch)
                checks = _look(subject, again=True)
    raise typer.Exit(exit_code(checks))


def _look(subject: Subject, *, as_json: bool = False, again: bool = False) -> list[Check]:
    now = read_now(subject)
    checks = judge_now(now, subject)
    if as_json:
        document(status_as_dict(now, checks))
        return checks
    if again:
        console.clear()
    print_status(now, checks)
    return checks

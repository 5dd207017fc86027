"""status: the one command for three in the morning."""

import time
from contextlib import suppress
from typing import Annotated

import typer

from cli.checks import Check, exit_code
from cli.context import Context
from cli.exits import ExitCode, fail
from cli.output.status import as_told, report
from cli.output.terminal import console, document
from cli.status_judging import judge
from cli.status_reading import read


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    watch: Annotated[
        float | None, typer.Option("--watch", metavar="SECONDS", min=1, help="Look again and again, until Ctrl-C.")
    ] = None,
) -> None:
    """Tell whether deliveries come in and are applied, what waits or is dead, how the hooks are, what is new.

    Changes nothing. Exit code 1 when something is wrong, and for each such thing what to type next.
    """
    surroundings = Context.from_environment()
    if watch is not None and as_json:
        fail(ExitCode.USAGE, "--watch is for people, --json for scripts: one of them, please.")
    checks = _look(surroundings, as_json=as_json)
    if watch is not None:
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(watch)
                checks = _look(surroundings, again=True)
    raise typer.Exit(exit_code(checks))


def _look(surroundings: Context, *, as_json: bool = False, again: bool = False) -> list[Check]:
    found = read(surroundings)
    checks = judge(found, surroundings.settings)
    if as_json:
        document(as_told(found, checks))
        return checks
    if again:
        console.clear()
    report(found, checks)
    return checks

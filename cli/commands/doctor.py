"""doctor: everything that would hurt later, each with its remedy."""

from typing import Annotated

import typer

from cli.context import examined
from cli.options import AsJson
from cli.output.checks import checks_as_list, exit_code, print_checks
from cli.output.terminal import document, line
from operations.checks.check import count
from operations.checks.readings import read_later
from operations.checks.registry import judge_later


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave out what is outside: the public URL and the gateway.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look for everything that would hurt later, and name the remedy. Safe on a live system.

    Exit code 1 when something is wrong, 3 when something could not be determined; a warning is neither.
    """
    subject = examined()
    concerns = judge_later(read_later(subject, offline=offline), subject)
    checks = [check for group in concerns.values() for check in group]
    grades = {grade.value: number for grade, number in count(checks).items()}
    if as_json:
        document({**grades, "concerns": {name: checks_as_list(group) for name, group in concerns.items()}})
    else:
        for name, group in concerns.items():
            line(name, "bold")
            print_checks(group)
            line()
        line(", ".join(f"{number} {grade}" for grade, number in grades.items() if number), "bold")
    raise typer.Exit(exit_code(checks))

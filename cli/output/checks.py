"""Checks, for people and as JSON."""

import re
from collections.abc import Iterable
from typing import Any

from rich.text import Text

from cli.exits import ExitCode
from cli.output.terminal import grid, program
from operations.checks.check import Check, Grade, worst

_STYLES = {Grade.GOOD: "green", Grade.WARNING: "yellow", Grade.UNKNOWN: "magenta", Grade.WRONG: "bold red"}
_EXIT_CODES = {Grade.GOOD: ExitCode.GOOD, Grade.UNKNOWN: ExitCode.UNKNOWN, Grade.WRONG: ExitCode.WRONG}


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """1 if anything is wrong, else 3 if anything could not be determined."""
    return _EXIT_CODES[worst(checks)]


def print_checks(checks: Iterable[Check]) -> None:
    """One line per check, and its remedy beneath."""
    rows: list[tuple[Text, Text, Text]] = []
    for check in checks:
        style = _STYLES[check.grade]
        rows.append((Text(check.grade.value, style), Text(check.name), Text(check.finding)))
        if check.remedy:
            rows.append((Text(), Text(), Text(f"→ {_callable(check.remedy)}", style)))
    grid(rows)


def checks_as_list(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks, for JSON."""
    return [
        {
            "name": check.name,
            "grade": check.grade.value,
            "said": check.finding,
            "cure": _callable(check.remedy) or None,
        }
        for check in checks
    ]


def _callable(remedy: str) -> str:
    """The remedy with its commands as they can be called from here."""
    return re.sub(r"\bseven-ingest (?=[a-z])", lambda _: f"{program()} ", remedy)

"""`make licences`: write docs/licences.md, the packages installed with seven-ingest and their licences."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PAGE = ROOT / "docs/licences.md"
RUNTIME = ROOT / "requirements/otel.txt"
HEAD = """# Licences

Packages that are installed with seven-ingest, without those that only tests and checks need. `make licences` writes this page.

"""


def required() -> set[str]:
    """The packages that seven-ingest requires, on any platform."""
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", RUNTIME.read_text(), re.MULTILINE))


def listed() -> dict[str, str]:
    """The lines of the page's table, by package."""
    return {line.split("|")[1].strip(): line for line in PAGE.read_text().splitlines() if line.startswith("| ")}


def table() -> str:
    """The table of names and licences; lines of packages that only other Pythons need are kept from the page."""
    packages = required()
    options = ("--format=markdown", "--with-system", "--from=mixed", "--no-version", "--packages", *sorted(packages))
    printed = subprocess.run([BIN / "pip-licenses", *options], capture_output=True, text=True, check=True)
    header, rule, *listed_here = (
        re.sub(r" {2,}", " ", re.sub(r"-{3,}", "---", line)) for line in printed.stdout.splitlines()
    )
    lines = {line.split("|")[1].strip(): line for line in listed_here}
    elsewhere = {name: line for name, line in listed().items() if name in packages and name not in lines}
    rows = [line for _, line in sorted((lines | elsewhere).items(), key=lambda pair: pair[0].lower())]
    return "\n".join((header, rule, *rows)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(HEAD + table())

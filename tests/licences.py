"""`make licences`: writes docs/licences.md, what is installed with seven-ingest and under which licences."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PAGE = ROOT / "docs/licences.md"
HEAD = """# Licences

What `pip install` brings along with seven-ingest, without what only tests and checks need. `make licences` writes this page.

"""


def required() -> set[str]:
    """The packages that seven-ingest is not installed without, on some platform."""
    export = ("export", "--quiet", "--frozen", "--no-dev", "--no-group", "build", "--no-emit-project", "--no-hashes")
    told = subprocess.run([BIN / "uv", *export], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", told.stdout, re.MULTILINE))


def listed() -> dict[str, str]:
    """Each line of the page's table, by the package that it is about."""
    return {line.split("|")[1].strip(): line for line in PAGE.read_text().splitlines() if line.startswith("| ")}


def table() -> str:
    """Name and licence of each; what another Python needs and this one does not is taken from the page as it is."""
    packages = required()
    words = ("--format=markdown", "--with-system", "--from=mixed", "--no-version", "--packages", *sorted(packages))
    told = subprocess.run([BIN / "pip-licenses", *words], capture_output=True, text=True, check=True)
    head, rule, *here = (re.sub(r" {2,}", " ", re.sub(r"-{3,}", "---", line)) for line in told.stdout.splitlines())
    lines = {line.split("|")[1].strip(): line for line in here}
    elsewhere = {name: line for name, line in listed().items() if name in packages and name not in lines}
    rows = [line for _, line in sorted((lines | elsewhere).items(), key=lambda pair: pair[0].lower())]
    return "\n".join((head, rule, *rows)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(HEAD + table())

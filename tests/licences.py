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


def table() -> str:
    """Name and licence of each that is installed here."""
    words = ("--format=markdown", "--with-system", "--from=mixed", "--no-version", "--packages", *sorted(required()))
    told = subprocess.run([BIN / "pip-licenses", *words], capture_output=True, text=True, check=True)
    return "\n".join(re.sub(r" {2,}", " ", re.sub(r"-{3,}", "---", line)) for line in told.stdout.splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(HEAD + table())

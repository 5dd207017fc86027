"""The table of docs/versions.md, for tests and for CI: `python -m tests.versions` prints the matrices of its jobs.

CI runs it before anything is installed: it imports nothing but the standard library.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/versions.md"
IMAGES = {"Redis": "redis", "Valkey": "valkey/valkey", "PostgreSQL": "postgres"}
"""Servers that CI varies, and the images that have them."""


@dataclass(frozen=True, slots=True)
class Supported:
    """One row: the oldest version that works, those that are tested, and the one that is deployed, or an empty text."""

    oldest: str
    tested: tuple[str, ...]
    deployed: str
    how: str


def supported() -> dict[str, Supported]:
    """Every row, by the name of the software."""
    rows = re.findall(r"^\| (\w[\w ]*) +\| ([\d.]+) +\|(.*)\|(.*)\|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    return {
        name: Supported(oldest, tuple(tested.replace(",", " ").split()), deployed.strip(), how)
        for name, oldest, tested, deployed, how in rows
    }


def matrices() -> dict[str, list[str]]:
    """For the jobs of CI: versions of Python, and images of servers."""
    rows = supported()
    images = [f"{image}:{version}" for name, image in IMAGES.items() for version in rows[name].tested]
    return {"python": list(rows["Python"].tested), "images": images}


if __name__ == "__main__":
    for name, values in matrices().items():
        print(f"{name}={json.dumps(values)}")

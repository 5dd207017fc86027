"""The runbook's commands, extracted from the pages in deploy/."""

import re
from pathlib import Path

from tests.processes import ROOT

INSTALL = ROOT / "deploy/README.md"
OPERATE = ROOT / "deploy/operate.md"


def scripts(page: Path, section: str) -> list[str]:
    """The command blocks of a section, each as a bash script."""
    text = re.split(rf"^## {re.escape(section)}\n", page.read_text(), flags=re.MULTILINE)[1]
    blocks = re.findall(
        r"^```console\n(.*?)^```$", re.split(r"^## ", text, flags=re.MULTILINE)[0], re.DOTALL | re.MULTILINE
    )
    return [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in blocks]


def changed_configuration() -> str:
    """The commands that apply a changed .env."""
    return scripts(INSTALL, "Upgrade")[0]


def upgrade(*, refuse_nothing: bool) -> str:
    """The commands that upgrade to a new image, in either way."""
    return scripts(INSTALL, "Upgrade")[3 if refuse_nothing else 2]


def roll_back() -> str:
    """The commands that go back to an older image that is there."""
    return scripts(INSTALL, "Upgrade")[-1]


def without_migrate() -> str:
    """The command that writes an overlay for a version whose `migrate` refuses newer tables."""
    return scripts(INSTALL, "Upgrade")[-2]


def changed_secret() -> str:
    """The commands that apply a changed secret."""
    return scripts(OPERATE, "Rotate secrets")[0]

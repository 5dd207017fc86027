"""The commands of deploy/README.md, as an operator reads them there."""

import re

from tests.processes import ROOT

RUNBOOK = ROOT / "deploy/README.md"


def scripts(section: str) -> list[str]:
    """Each block of commands in a section, as a script for bash."""
    text = re.split(rf"^## {re.escape(section)}\n", RUNBOOK.read_text(), flags=re.MULTILINE)[1]
    blocks = re.findall(
        r"^```console\n(.*?)^```$", re.split(r"^## ", text, flags=re.MULTILINE)[0], re.DOTALL | re.MULTILINE
    )
    return [re.sub(r"^\$ ", "", block, flags=re.MULTILINE) for block in blocks]


def changed_configuration() -> str:
    """How a changed .env is brought to its processes."""
    return scripts("Upgrade")[0]


def upgrade(*, refuse_nothing: bool) -> str:
    """Both ways to a new image, once it is there."""
    return scripts("Upgrade")[3 if refuse_nothing else 2]


def changed_secret() -> str:
    """How a changed secret is brought to its processes."""
    return scripts("Rotate secrets")[0]

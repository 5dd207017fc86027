"""Installations that are not running: a directory and its settings, for the commands that need no more."""

from pathlib import Path

import pytest

from tests.cli.installation import CommandLine


@pytest.fixture
def installation(tmp_path: Path) -> CommandLine:
    """An empty directory with ports of its own."""
    directory = tmp_path / "installation"
    directory.mkdir()
    return CommandLine(directory)

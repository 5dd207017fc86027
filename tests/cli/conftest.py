"""An installation that is not running: a directory and its settings, which most commands need only."""

from pathlib import Path

import pytest

from tests.cli.installation import CommandLine


@pytest.fixture
def installation(tmp_path: Path) -> CommandLine:
    """An installation in an empty directory, on free ports."""
    directory = tmp_path / "installation"
    directory.mkdir()
    return CommandLine(directory)

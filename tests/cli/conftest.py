"""An installation that is not running: a directory and its settings, which most commands need only."""

import shutil
from pathlib import Path

import pytest

from tests.cli.installation import CommandLine


@pytest.fixture
def installation(tmp_path: Path) -> CommandLine:
    """An installation in an empty directory, on free ports."""
    directory = tmp_path / "installation"
    directory.mkdir()
    return CommandLine(directory)


@pytest.fixture(scope="session")
def migrated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `data` of an installation after `migrate`."""
    installation = CommandLine(tmp_path_factory.mktemp("migrated"))
    assert installation.run("migrate").returncode == 0
    return installation.data


@pytest.fixture
def migrated(installation: CommandLine, migrated_data: Path) -> CommandLine:
    """The installation after `migrate`: with a copy of what that makes."""
    shutil.copytree(migrated_data, installation.data)
    return installation

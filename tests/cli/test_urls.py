"""URLs of servers, and keys: every command that reads an unusable one refuses it before it does anything."""

import pytest

from tests.cli.commands import COMMANDS, leaf_names
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN

SECRET = "hunter2"
UNUSABLE = {
    "DATABASE_URL": f"postgresql+psycopg2://u:{SECRET}@127.0.0.1:1/d",
    "REDIS_URL": f"redis://:12/{SECRET}@127.0.0.1:1/0",
}


def test_each_command_is_tried():
    """A new command needs an entry in the table."""
    assert set(COMMANDS) == set(leaf_names())


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_an_unusable_url(installation: CommandLine, command: str, name: str):
    """Exit code 2 and one line with the setting's name; it shows nothing of the URL, and nothing is made on the disk."""
    result = installation.run(*COMMANDS[command], SEVEN_HOOK_TOKEN=TOKEN, SEVEN_API_KEY="key", **{name: UNUSABLE[name]})

    assert result.returncode == 2, result
    assert result.stderr.startswith(f"configuration: {name}: ")
    assert len(result.stderr.splitlines()) == 1
    assert SECRET not in result.stdout + result.stderr
    assert not list(installation.directory.iterdir())


@pytest.mark.parametrize("name", ["SEVEN_ERASURE_KEY", "SEVEN_SIGNING_KEY", "EMULATOR_SIGNING_KEY"])
@pytest.mark.parametrize("command", ["backfill", "export", "forget", "send", "status"])
def test_a_key_with_a_byte_that_is_no_utf_8(installation: CommandLine, command: str, name: str):
    """The same: nothing could be hashed or signed with it."""
    result = installation.run(*COMMANDS[command], **{name: f"{SECRET}\udcff"})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"configuration: {name}: a byte that is not UTF-8 is in it\n"
    assert not list(installation.directory.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_usable_url(installation: CommandLine, command: str):
    """Help is there for whoever mends the settings."""
    assert installation.run(*command.split(), "--help", **UNUSABLE).returncode == 0

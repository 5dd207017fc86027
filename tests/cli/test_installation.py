"""Installation: its files and lock, and the precedence of the environment."""

import os
from pathlib import Path

import pytest

from cli.installation import Installation, Occupied
from cli.settings import HomeSettings
from tests.cli.commands import COMMANDS
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN


def installation_in(directory: Path, **settings: object) -> Installation:
    return Installation(HomeSettings(seven_data_dir=directory / "data", **settings))  # type: ignore[arg-type]


def test_the_token_is_created_once(tmp_path: Path):
    """The first start creates it, readable by its owner only; later starts use it."""
    assert installation_in(tmp_path).hook_token is None
    os.close(installation_in(tmp_path).open())
    made = installation_in(tmp_path).hook_token
    assert made
    assert installation_in(tmp_path).token_file.stat().st_mode & 0o777 == 0o600
    os.close(installation_in(tmp_path).open())
    assert installation_in(tmp_path).hook_token == made
    assert installation_in(tmp_path).environment()["SEVEN_HOOK_TOKEN"] == made


def test_the_erasure_key_is_created_once(tmp_path: Path):
    """The first start creates it, readable by its owner only; one of the environment takes precedence."""
    os.close(installation_in(tmp_path).open())
    made = installation_in(tmp_path).erasure_key
    assert made
    assert installation_in(tmp_path).erasure_key_file.stat().st_mode & 0o777 == 0o600
    os.close(installation_in(tmp_path).open())
    assert installation_in(tmp_path).environment()["SEVEN_ERASURE_KEY"] == made
    given = installation_in(tmp_path / "given", seven_erasure_key="a-key-of-the-environment")
    given.directory.parent.mkdir()
    os.close(given.open())
    assert given.erasure_key == "a-key-of-the-environment"
    assert not given.erasure_key_file.exists()
    assert "SEVEN_ERASURE_KEY" not in given.environment()


def test_the_environment_takes_precedence(tmp_path: Path):
    """Token, broker and account of the environment are used, the first of several tokens, and no token is created."""
    redis_url = "redis://elsewhere:6379/3"
    installation = installation_in(
        tmp_path, seven_hook_token="current-one, former-one", redis_url=redis_url, seven_api_key="a-key"
    )
    os.close(installation.open())
    assert installation.hook_token == "current-one"
    assert installation.redis_url == "redis://elsewhere:6379/3"
    assert not installation.brings_broker
    assert not installation.token_file.exists()
    assert set(installation.environment()) == {"SEVEN_DATA_DIR", "SEVEN_ERASURE_KEY"}


@pytest.mark.parametrize("file", ["hook-token", "erasure-key"])
@pytest.mark.parametrize("command", ["backfill", "doctor", "hooks list", "hooks plan", "status"])
def test_a_secret_that_cannot_be_read(migrated: CommandLine, command: str, file: str):
    """Its file is the operator's to mend, as one of another user: exit code 2, and the file."""
    (migrated.data / "lock").touch()
    (migrated.data / "hook-token").write_text(f"{TOKEN}\n")
    (migrated.data / file).unlink(missing_ok=True)
    (migrated.data / file).mkdir()  # root may read any file
    result = migrated.run(*COMMANDS[command])
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith(f"{migrated.data / file}: Is a directory\n")


def test_without_an_account_nothing_leaves_this_machine(tmp_path: Path):
    """Without an account the emulator is the gateway, and its hooks point here, whatever the public URL is."""
    environment = installation_in(tmp_path, seven_public_url="https://somewhere.example").environment()
    assert environment["SEVEN_API_URL"] == "http://127.0.0.1:8077/api"
    assert environment["SEVEN_PUBLIC_URL"] == "http://127.0.0.1:8000"


def test_the_lock_admits_one_holder(tmp_path: Path):
    """The lock is held until its last holder ends, including a broker that outlives its `up`."""
    lock = installation_in(tmp_path).open()
    inherited = os.dup(lock)
    os.close(lock)
    with pytest.raises(Occupied):
        installation_in(tmp_path).open()
    os.close(inherited)
    os.close(installation_in(tmp_path).open())


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000")],
)
def test_the_receiver_is_reachable_from_this_machine(tmp_path: Path, host: str, url: str):
    """A receiver that listens on every address is reached on the loopback address."""
    assert installation_in(tmp_path, seven_host=host, seven_port=8000).receiver_url == url

"""Home: what an installation keeps, and what the environment says over it."""

import os
from pathlib import Path

import pytest

from cli.installation import Installation, Occupied
from cli.settings import HomeSettings


def home(directory: Path, **told: object) -> Installation:
    return Installation(HomeSettings(seven_data_dir=directory / "data", **told))  # type: ignore[arg-type]


def test_a_token_is_made_once_and_for_its_owner(tmp_path: Path):
    """The first start makes it, later ones find it; nobody else can read it."""
    assert home(tmp_path).hook_token is None
    os.close(home(tmp_path).open())
    made = home(tmp_path).hook_token
    assert made
    assert home(tmp_path).token_file.stat().st_mode & 0o777 == 0o600
    os.close(home(tmp_path).open())
    assert home(tmp_path).hook_token == made
    assert home(tmp_path).environment()["SEVEN_HOOK_TOKEN"] == made


def test_what_the_environment_tells_stands(tmp_path: Path):
    """A token, a broker, an account: those that are told are used, the first of several tokens, and none is made."""
    redis_url = "redis://elsewhere:6379/3"
    told = home(tmp_path, seven_hook_token="current-one, former-one", redis_url=redis_url, seven_api_key="a-key")
    os.close(told.open())
    assert told.hook_token == "current-one"
    assert told.redis_url == "redis://elsewhere:6379/3"
    assert not told.brings_broker
    assert not told.token_file.exists()
    assert set(told.environment()) == {"SEVEN_DATA_DIR"}


def test_without_an_account_nothing_leaves_this_machine(tmp_path: Path):
    """The emulator is the gateway then, and whatever public URL is told, its hooks point here."""
    told = home(tmp_path, seven_public_url="https://somewhere.example").environment()
    assert told["SEVEN_API_URL"] == "http://127.0.0.1:8077/api"
    assert told["SEVEN_PUBLIC_URL"] == "http://127.0.0.1:8000"


def test_one_at_a_time(tmp_path: Path):
    """The lock is held until its last holder ends, a broker that outlives its `up` included."""
    lock = home(tmp_path).open()
    inherited = os.dup(lock)
    os.close(lock)
    with pytest.raises(Occupied):
        home(tmp_path).open()
    os.close(inherited)
    os.close(home(tmp_path).open())


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000")],
)
def test_the_receiver_is_reached_from_here(tmp_path: Path, host: str, url: str):
    """A receiver that listens everywhere listens here, too."""
    assert home(tmp_path, seven_host=host, seven_port=8000).receiver_url == url

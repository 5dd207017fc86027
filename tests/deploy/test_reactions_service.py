"""The service `reactions`: started on request only, and alone with the file, the functions and the secrets of targets."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_compose import ROOT, SERVICES
from tests.deploy.test_setup import GOOD, Setup
from tests.processes import Process, running
from tests.servers import PATIENCE_S

SERVICE: dict[str, Any] = SERVICES["reactions"]
MOUNTED = "/etc/seven/reactions"
CHECKED = (
    "redis_url",
    "database_url",
    "seven_hook_token",
    "seven_hook_secret",
    "seven_api_key",
    "seven_hooks",
    "seven_signing_key",
)

OF_COLLECTOR = ("otel_exporter_otlp_headers", "otel_exporter_otlp_traces_headers")


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_an_upgrade_without_a_file_starts_as_before():
    """The service starts on request only, and no other depends on it."""
    assert SERVICE["profiles"] == ["reactions"]
    assert not [name for name, service in SERVICES.items() if "reactions" in service.get("depends_on", {})]


def test_it_alone_sees_the_directory():
    """File, functions and secrets of targets are mounted read-only for this service; no other has them or their path."""
    assert f"${{SEVEN_REACTIONS_DIRECTORY:-./reactions.d}}:{MOUNTED}:ro" in SERVICE["volumes"]
    assert Path(SERVICE["environment"]["SEVEN_REACTIONS_FILE"]) == Path(MOUNTED, "reactions.toml")
    others = yaml.safe_dump([service for name, service in SERVICES.items() if name != "reactions"])
    assert "SEVEN_REACTIONS" not in others
    assert MOUNTED not in others
    assert "reactions.d" not in others


def test_no_directory_of_the_image_is_in_its_way():
    """The default directory is none of our packages, and neither git nor the image gets what lies there."""
    assert not (ROOT / "reactions.d").exists()
    assert "reactions.d" not in (ROOT / ".dockerignore").read_text()  # which lists what is let in
    assert (
        subprocess.run(["git", "check-ignore", "-q", "reactions.d/reactions.toml"], cwd=ROOT, check=False).returncode
        == 0
    )


def test_it_reaches_targets_and_servers_and_no_client_reaches_it():
    """It is not on the proxy's network, and publishes nothing."""
    assert SERVICE["networks"] == ["servers", "outside", "monitoring"]
    assert "ports" not in SERVICE


def test_it_has_the_secrets_of_checks_alone(setup: Setup):
    """A function of yours could read them: there are no passwords of pages, and no erasure key."""
    setup.run(GOOD)

    expected = {*CHECKED, *OF_COLLECTOR}
    assert {name.partition("/")[2] for name in setup.files() if name.startswith("reactions/")} == expected
    files = {value for name, value in SERVICE["environment"].items() if name.endswith("_FILE")}
    assert files - {f"{MOUNTED}/reactions.toml"} == {f"/run/secrets/{name}" for name in expected}


@pytest.mark.parametrize(
    ("values", "warns"),
    [
        pytest.param({"SEVEN_REACTIONS_DIRECTORY": "./mine"}, False, id="a directory"),
        pytest.param({"SEVEN_REACTIONS_FILE": "reactions.d/reactions.toml"}, False, id="of `make up` too"),
        pytest.param({"SEVEN_REACTIONS_FILE": "/etc/mine/reactions.toml", "SEVEN_REACTIONS_DIRECTORY": "/etc/mine"}, False, id="both"),
        pytest.param({"SEVEN_REACTIONS_FILE": "reactions.toml"}, True, id="a file that it does not see"),
    ],
)  # fmt: skip
def test_a_file_that_it_does_not_see_is_a_warning(setup: Setup, values: dict[str, str], warns: bool):
    """And nothing else: whoever subscribes to nothing in containers must not be kept from receiving."""
    ended = setup.run(GOOD | values)

    sentence = (
        "warning: SEVEN_REACTIONS_FILE: its container reads reactions.toml in SEVEN_REACTIONS_DIRECTORY instead\n"
    )
    assert (ended.returncode, ended.stderr) == (0, sentence if warns else "")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_without_a_file_it_ends_with_a_sentence(setup: Setup, redis_url: str, database_url: str, tmp_path: Path):
    """Its own command and secrets, as the container has them, but for what lies beside it: Docker makes an empty directory."""
    setup.run({**GOOD, "REDIS_URL": redis_url})
    secret = setup.secrets / "reactions/database_url"
    secret.unlink()  # nobody may write into it
    secret.write_text(database_url)
    environment = {
        name: str(value).replace("/run/secrets", str(setup.secrets / "reactions")).replace(MOUNTED, str(tmp_path))
        for name, value in SERVICE["environment"].items()
        if value is not None and "${" not in str(value)
    }
    *_, command = SERVICE["command"]
    words = command.partition("exec celery ")[2].replace('"$$name"', "dispatcher-1@test").split()
    process = Process("reactions", tmp_path, [sys.executable, "-m", "celery", *words], environment)
    with running(process):
        assert process.process
        assert process.process.wait(PATIENCE_S) == 2

    assert process.log.read_text().rstrip().endswith("cannot be read: no such file or directory")

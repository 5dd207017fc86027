"""The setup container: a good configuration becomes files, a bad one a line for each fault and exit code 2."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.forks import run_script

ROOT = Path(__file__).parents[2]
GOOD = {"SEVEN_HOOK_TOKEN": TOKEN, "FLOWER_BASIC_AUTH": "ops:" + "x" * 12}
RUNBOOK = "".join((ROOT / "deploy" / page).read_text() for page in ("README.md", "operate.md", "alerts.md"))
CONTAINERS = ("ingest", "worker", "flower", "postgres", "redis")


def settings_in(runbook: str) -> set[str]:
    """The lines that it writes into .env for compose itself."""
    return set(re.findall(r"COMPOSE_\w+=[^\s`]+", runbook))


class Setup:
    """One installation's volumes."""

    def __init__(self, directory: Path) -> None:
        self.env, self.secrets = directory / ".env", directory / "secrets"
        for name in CONTAINERS:
            (self.secrets / name).mkdir(parents=True)

    def run(self, told: dict[str, str], *, check: bool = False) -> "subprocess.CompletedProcess[str]":
        self.env.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        words = [str(ROOT / "deploy/setup.py"), str(self.env), *([] if check else [str(self.secrets)])]
        return run_script(words, ROOT, {"PATH": os.environ["PATH"]})

    def laid_out(self) -> dict[str, str]:
        return {str(file.relative_to(self.secrets)): file.read_text() for file in self.secrets.glob("*/*")}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_everybody_gets_what_they_need(setup: Setup):
    """Two names are enough; passwords for the servers are made."""
    done = setup.run({**GOOD, "SEVEN_API_KEY": "key-of-the-account"})
    laid = setup.laid_out()

    assert (done.returncode, done.stderr) == (0, "")
    assert laid["ingest/seven_hook_token"] == laid["worker/seven_hook_token"] == TOKEN
    assert laid["redis/redis_password"] in laid["ingest/redis_url"] == laid["worker/redis_url"]
    assert laid["postgres/postgres_password"] in laid["worker/database_url"]
    assert laid["worker/seven_api_key"] == "key-of-the-account"
    assert not [name for name, value in laid.items() if "key-of-the-account" in value and not name.startswith("worker")]
    assert not [name for name in laid if name.endswith(".new")]


def test_nothing_changes_when_it_runs_again(setup: Setup):
    """Each `up` runs it; a made password is made once."""
    setup.run(GOOD)
    before = setup.laid_out()
    setup.run(GOOD)

    assert setup.laid_out() == before


def test_what_is_told_stands_over_what_was_made(setup: Setup):
    """A password of one's own, even with characters that a URL does not carry, and a server of one's own."""
    setup.run(GOOD)
    setup.run({**GOOD, "POSTGRES_PASSWORD": "p@ss/w:rd%1", "REDIS_URL": "rediss://elsewhere:6380/0"})
    laid = setup.laid_out()

    assert laid["postgres/postgres_password"] == "p@ss/w:rd%1"
    assert laid["worker/database_url"] == "postgresql://seven:p%40ss%2Fw%3Ard%251@postgres:5432/seven"
    assert laid["ingest/redis_url"] == laid["flower/redis_url"] == "rediss://elsewhere:6380/0"


def test_a_secret_that_is_no_longer_told_is_gone(setup: Setup):
    """Taking the key out of .env takes it out of the worker."""
    setup.run({**GOOD, "SEVEN_API_KEY": "key-of-the-account"})
    setup.run(GOOD)

    assert setup.laid_out()["worker/seven_api_key"] == ""


@pytest.mark.parametrize(
    ("told", "named"),
    [
        pytest.param({"SEVEN_HOOK_TOKEN": ""}, ["SEVEN_HOOK_TOKEN"], id="no token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, ["SEVEN_HOOK_TOKEN"], id="weak token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "with/slash/in/it"}, ["SEVEN_HOOK_TOKEN"], id="token no path carries"),
        pytest.param({"FLOWER_BASIC_AUTH": ""}, ["FLOWER_BASIC_AUTH"], id="Flower open to everybody"),
        pytest.param(
            {"FLOWER_BASIC_AUTH": "ops:long-enough,guest"}, ["FLOWER_BASIC_AUTH"], id="Flower with a user it refuses"
        ),
        pytest.param({"FLOWER_BASIC_AUTH": "ops:"}, ["FLOWER_BASIC_AUTH"], id="Flower with an empty password"),
        pytest.param({"SEVEN_PUBLIC_URL": "hooks.example.com"}, ["SEVEN_PUBLIC_URL"], id="URL without scheme"),
        pytest.param({"DATABASE_URL": "mysql://u@h/d"}, ["DATABASE_URL"], id="another database"),
        pytest.param({"REDIS_URL": "http://h"}, ["REDIS_URL"], id="no Redis"),
        pytest.param({"POSTGRES_PASSWORD": "short"}, ["POSTGRES_PASSWORD"], id="weak password"),
        pytest.param({"SEVEN_HOOKS_MODE": "aply"}, ["SEVEN_HOOKS_MODE"], id="unknown mode"),
        pytest.param({"SEVEN_API_KEY_FILE": "key.txt"}, ["SEVEN_API_KEY_FILE"], id="a file that no container sees"),
        pytest.param({"REDIS_PASSWORD_FILE": "word"}, ["REDIS_PASSWORD_FILE"], id="a file of a password"),
        pytest.param({"SEVEN_HOOKS_FILE": "hooks.toml"}, ["SEVEN_HOOKS_FILE"], id="a file that is no secret"),
        pytest.param(
            {"SEVEN_HOOK_TOKEN": "x", "FLOWER_BASIC_AUTH": "x", "SEVEN_BODY_LIMIT": "x"},
            ["SEVEN_HOOK_TOKEN", "FLOWER_BASIC_AUTH", "SEVEN_BODY_LIMIT"],
            id="all at once",
        ),
    ],
)
def test_a_bad_configuration_is_told_plainly(setup: Setup, told: dict[str, str], named: list[str]):
    """Exit code 2, one line for each fault, none of the values, and nothing is laid out."""
    done = setup.run(GOOD | told)

    assert done.returncode == 2
    checked = setup.run(GOOD | told, check=True)
    assert (checked.returncode, checked.stderr) == (2, done.stderr)
    lines = done.stderr.splitlines()
    assert sorted(line.split(": ")[1] for line in lines if line.startswith("configuration: ")) == sorted(named)
    assert setup.laid_out() == {}
    assert not [value for value in told.values() if len(value) > 4 and value in done.stderr]


@pytest.mark.parametrize(
    "line", sorted({*settings_in(RUNBOOK), "PGPASSFILE=x", "COMPOSE_ENV_FILES=x", "MY_OWN_FILE=x"})
)
def test_names_of_other_tools_are_theirs(setup: Setup, line: str):
    """Each `COMPOSE_FILE=…` that the runbook writes into .env, and whatever else ends so and is no setting of ours."""
    name, _, value = line.partition("=")
    done = setup.run({**GOOD, name: value})

    assert (done.returncode, done.stderr) == (0, "")


def test_a_check_changes_nothing(setup: Setup):
    """Neither before the first start nor beside a running system: a made password stays the one in force."""
    told = {**GOOD, "POSTGRES_PASSWORD": "another-password"}
    first = setup.run(told, check=True)
    assert (first.returncode, setup.laid_out()) == (0, {})

    setup.run(GOOD)
    before = setup.laid_out()
    again = setup.run(told, check=True)

    assert (again.returncode, again.stderr) == (0, "")
    assert setup.laid_out() == before


def test_a_misspelt_name_is_warned_of(setup: Setup):
    """With the nearest that is known; it is no reason not to start."""
    done = setup.run({**GOOD, "SEVEN_HOOK_MODE": "apply"})

    assert done.returncode == 0
    assert "SEVEN_HOOK_MODE" in done.stderr
    assert "SEVEN_HOOKS_MODE" in done.stderr

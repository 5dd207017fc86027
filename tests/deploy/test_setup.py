"""The setup container: a good configuration becomes files, a bad one a line per fault and exit code 2."""

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
CONTAINERS = ("ingest", "worker", "reactions", "flower", "console", "postgres", "redis")


def settings_in(runbook: str) -> set[str]:
    """Compose's own settings that the runbook writes into .env."""
    return set(re.findall(r"COMPOSE_\w+=[^\s`]+", runbook))


class Setup:
    """One installation's volumes."""

    def __init__(self, directory: Path) -> None:
        self.env, self.secrets = directory / ".env", directory / "secrets"
        self.more: tuple[str, ...] = ()
        self.when_checking: tuple[str, ...] = ()
        for name in CONTAINERS:
            (self.secrets / name).mkdir(parents=True)

    def run(self, values: dict[str, str], *, check: bool = False) -> "subprocess.CompletedProcess[str]":
        self.env.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return self.run_as_it_is(check=check)

    def run_as_it_is(self, *, check: bool = False) -> "subprocess.CompletedProcess[str]":
        arguments = [
            str(ROOT / "deploy/setup.py"),
            str(self.env),
            *(self.when_checking if check else (str(self.secrets), *self.more)),
        ]
        return run_script(arguments, ROOT, {"PATH": os.environ["PATH"]})

    def files(self) -> dict[str, str]:
        return {str(file.relative_to(self.secrets)): file.read_text() for file in self.secrets.glob("*/*")}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_each_container_gets_its_secrets(setup: Setup):
    """Two settings are enough; setup makes the passwords of the servers."""
    ended = setup.run({**GOOD, "SEVEN_API_KEY": "key-of-the-account"})
    files = setup.files()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert files["ingest/seven_hook_token"] == files["worker/seven_hook_token"] == TOKEN
    assert files["redis/redis_password"] in files["ingest/redis_url"] == files["worker/redis_url"]
    assert files["postgres/postgres_password"] in files["worker/database_url"]
    assert files["worker/seven_api_key"] == "key-of-the-account"
    has_key = {name.partition("/")[0] for name, value in files.items() if "key-of-the-account" in value}
    assert has_key == {"worker", "reactions"}
    assert not [name for name in files if name.endswith(".new")]


def test_the_console_gets_its_logins_and_reads_by_the_role_of_a_reader(setup: Setup):
    """Where a reader is named it gets that; a wrong login is a line, and no password on the screen."""
    reader = "postgresql://reader:a-password@elsewhere/seven"
    setup.run({**GOOD, "SEVEN_CONSOLE_AUTH": "anna:a-long-password:texts", "SEVEN_READER_URL": reader})
    files = setup.files()
    assert files["console/seven_console_auth"] == "anna:a-long-password:texts"
    assert files["console/console_reader_url"] == reader

    for logins in (
        "anna:short",
        "anna:a-long-password:everything",
        "a-long-password",
        "a:long-password,a:long-password",
    ):
        ended = setup.run({**GOOD, "SEVEN_CONSOLE_AUTH": logins}, check=True)
        assert ended.returncode == 2
        assert "configuration: SEVEN_CONSOLE_AUTH: needs" in ended.stderr
        assert "long-password" not in ended.stderr


def test_another_run_changes_nothing(setup: Setup):
    """Each `up` runs it, and it makes a password only once."""
    setup.run(GOOD)
    before = setup.files()
    setup.run(GOOD)

    assert setup.files() == before


def test_query_and_console_read_by_a_role_of_their_own(setup: Setup):
    """Its password is made once, also on an installation that was made before there was such a role; none sees both."""
    setup.run(GOOD)
    for made_later in ("postgres/reader_password", "worker/seven_reader_url"):
        (setup.secrets / made_later).unlink()
    setup.run(GOOD)
    files = setup.files()
    password = files["postgres/reader_password"]
    assert files["worker/seven_reader_url"] == f"postgresql://seven_readonly:{password}@postgres:5432/seven"
    assert password != files["postgres/postgres_password"]
    setup.run(GOOD)
    assert setup.files() == files


def test_the_erasure_key_is_made_once_and_only_workers_have_it(setup: Setup):
    """Another one would recognise nobody who was forgotten. One in `.env` takes precedence, as on another machine."""
    setup.run(GOOD)
    files = setup.files()
    key = files["worker/seven_erasure_key"]
    assert len(key) >= 32
    assert [name for name, text in files.items() if key in text] == ["worker/seven_erasure_key"]
    setup.run(GOOD)
    assert setup.files() == files
    setup.run({**GOOD, "SEVEN_ERASURE_KEY": "the-key-of-the-backup-of-before"})
    assert setup.files()["worker/seven_erasure_key"] == "the-key-of-the-backup-of-before"


@pytest.mark.parametrize(
    ("reader", "expected"), [("", ""), ("postgresql://r:p@elsewhere/d", "postgresql://r:p@elsewhere/d")]
)
def test_a_database_elsewhere_has_the_role_that_env_names(setup: Setup, reader: str, expected: str):
    """On a server that compose does not run, whoever runs it makes the role."""
    setup.run({**GOOD, "DATABASE_URL": "postgresql://u:p@elsewhere/d", "SEVEN_READER_URL": reader})
    assert setup.files()["worker/seven_reader_url"] == expected


def test_env_takes_precedence_over_what_was_made(setup: Setup):
    """`.env` may set a password, even with characters that a URL must escape, and another server."""
    setup.run(GOOD)
    setup.run({**GOOD, "POSTGRES_PASSWORD": "p@ss/w:rd%1", "REDIS_URL": "rediss://elsewhere:6380/0"})
    files = setup.files()

    assert files["postgres/postgres_password"] == "p@ss/w:rd%1"
    assert files["worker/database_url"] == "postgresql://seven:p%40ss%2Fw%3Ard%251@postgres:5432/seven"
    assert files["ingest/redis_url"] == files["flower/redis_url"] == "rediss://elsewhere:6380/0"


def test_a_secret_that_is_no_longer_set_is_gone(setup: Setup):
    """Removing the key from .env removes it from the worker."""
    setup.run({**GOOD, "SEVEN_API_KEY": "key-of-the-account"})
    setup.run(GOOD)

    assert setup.files()["worker/seven_api_key"] == ""


@pytest.mark.parametrize(
    ("values", "names"),
    [
        pytest.param({"SEVEN_HOOK_TOKEN": ""}, ["SEVEN_HOOK_TOKEN"], id="no token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, ["SEVEN_HOOK_TOKEN"], id="weak token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "with/slash/in/it"}, ["SEVEN_HOOK_TOKEN"], id="token that no path can carry"),
        pytest.param({"FLOWER_BASIC_AUTH": ""}, ["FLOWER_BASIC_AUTH"], id="Flower without a password"),
        pytest.param(
            {"FLOWER_BASIC_AUTH": "ops:long-enough,guest"}, ["FLOWER_BASIC_AUTH"], id="Flower with a user it refuses"
        ),
        pytest.param({"FLOWER_BASIC_AUTH": "a:b,c:d"}, ["FLOWER_BASIC_AUTH"], id="Flower with two short passwords"),
        pytest.param(
            {"FLOWER_BASIC_AUTH": "ops:long-enough,c:d"},
            ["FLOWER_BASIC_AUTH"],
            id="Flower with a second short password",
        ),
        pytest.param({"FLOWER_BASIC_AUTH": "ops:long-enough,:long-enough"}, ["FLOWER_BASIC_AUTH"], id="without a name"),
        pytest.param({"FLOWER_BASIC_AUTH": "ops:        "}, ["FLOWER_BASIC_AUTH"], id="Flower with a blank password"),
        pytest.param({"FLOWER_BASIC_AUTH": "ops:"}, ["FLOWER_BASIC_AUTH"], id="Flower with an empty password"),
        pytest.param({"SEVEN_PUBLIC_URL": "hooks.example.com"}, ["SEVEN_PUBLIC_URL"], id="URL without scheme"),
        pytest.param({"DATABASE_URL": "mysql://u@h/d"}, ["DATABASE_URL"], id="another database"),
        pytest.param({"SEVEN_READER_URL": "sqlite:///x"}, ["SEVEN_READER_URL"], id="a reader of no server"),
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
def test_a_bad_configuration_is_explained(setup: Setup, values: dict[str, str], names: list[str]):
    """Exit code 2, one line per fault without any value, and no file is written."""
    ended = setup.run(GOOD | values)

    assert ended.returncode == 2
    checked = setup.run(GOOD | values, check=True)
    assert (checked.returncode, checked.stderr) == (2, ended.stderr)
    lines = ended.stderr.splitlines()
    assert sorted(line.split(": ")[1] for line in lines if line.startswith("configuration: ")) == sorted(names)
    assert setup.files() == {}
    assert not [value for value in values.values() if len(value) > 4 and value in ended.stderr]


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            *settings_in(RUNBOOK),
            "PGPASSFILE=x",
            "COMPOSE_ENV_FILES=x",
            "MY_OWN_FILE=x",
            "SEVEN_OPT_OUT_WORDS_FILE=./words.toml",
        }
    ),
)
def test_names_of_other_tools(setup: Setup, line: str):
    """Setup accepts the runbook's `COMPOSE_FILE=…`, a file that compose mounts, and any name in _FILE that is no setting of ours."""
    name, _, value = line.partition("=")
    ended = setup.run({**GOOD, name: value})

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_check_changes_nothing(setup: Setup):
    """A check writes nothing before the first start, and replaces no password of a running system."""
    values = {**GOOD, "POSTGRES_PASSWORD": "another-password"}
    first = setup.run(values, check=True)
    assert (first.returncode, setup.files()) == (0, {})

    setup.run(GOOD)
    before = setup.files()
    again = setup.run(values, check=True)

    assert (again.returncode, again.stderr) == (0, "")
    assert setup.files() == before


def test_a_misspelt_name(setup: Setup):
    """A warning names the nearest setting; setup succeeds all the same."""
    ended = setup.run({**GOOD, "SEVEN_HOOK_MODE": "apply"})

    assert ended.returncode == 0
    assert ended.stderr == "warning: SEVEN_HOOK_MODE is no setting, and has no effect; did you mean SEVEN_HOOKS_MODE?\n"


def test_a_token_that_can_be_guessed(setup: Setup):
    """A warning in a sentence, without the token; setup succeeds all the same."""
    ended = setup.run({**GOOD, "SEVEN_HOOK_TOKEN": "a-token-of"})

    assert ended.returncode == 0
    assert ended.stderr.startswith("warning: A token has fewer than 20 characters in SEVEN_HOOK_TOKEN")
    assert "a-token-of" not in ended.stderr

"""A user of a server elsewhere for each process: URLs in `.env` that setup gives to one container alone."""

from pathlib import Path

import pytest

from tests.deploy.test_setup import GOOD, Setup

REDIS, DATABASE = "rediss://all:shared@redis.example:6380/0", "postgresql://owner:owners@db.example/seven"
READER = "postgresql://seven_readonly:readers@db.example/seven"
USERS = {
    f"REDIS_URL_{name.upper()}": f"rediss://{user}:for-{name}@redis.example:6380/0"
    for name, user in {
        "ingest": "receiver", "worker": "worker", "beat": "beat", "reactions": "dispatcher", "flower": "flower",
        "console": "console", "cli": "cli",
    }.items()
}  # fmt: skip
ROLES = {
    f"DATABASE_URL_{name.upper()}": f"postgresql://seven_{role}:for-{name}@db.example/seven"
    for name, role in {"worker": "worker", "reactions": "dispatcher", "cli": "operator"}.items()
}
NONE, LATER = "no process is called so; there", "a URL for one process takes effect with deploy/users.yml"
EVERY = {**GOOD, "REDIS_URL": REDIS, "DATABASE_URL": DATABASE, "SEVEN_READER_URL": READER, **USERS, **ROLES}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    setup = Setup(tmp_path)
    setup.more = ("users",)
    return setup


def test_each_process_gets_its_own_url_and_no_other(setup: Setup):
    """The owner's URL goes to the migration alone, and nobody gets what all could share; beat reads no database."""
    ended = setup.run(EVERY)
    assert (ended.returncode, ended.stderr) == (0, "")
    files = setup.files()
    for variable, url in {**USERS, **ROLES}.items():
        file, _, name = variable.lower().rpartition("_")
        assert files[f"{name}/{file}"] == url

    def seen_by(password: str) -> set[str]:
        return {name.partition("/")[0] for name, content in files.items() if password in content}

    assert seen_by("shared") == set()
    assert seen_by("owners") == {"migrate"}
    assert seen_by("readers") == {"console", "worker", "cli", "migrate", "beat"}
    assert {name: seen_by(f"for-{name}") for name in ("ingest", "reactions", "flower", "console", "cli")} == {
        name: {name} for name in ("ingest", "reactions", "flower", "console", "cli")
    }
    assert files["beat/database_url"] == ROLES["DATABASE_URL_WORKER"]


def test_roles_do_with_compose_own_servers(setup: Setup):
    """Users of Redis are then made; the database's roles are those of roles.sql, in compose's own PostgreSQL."""
    roles = {name: url.replace("db.example", "postgres:5432") for name, url in ROLES.items()}
    ended = setup.run({**GOOD, **roles})
    files = setup.files()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert files["worker/redis_url"].startswith("redis://worker:")
    assert files["worker/database_url"] == roles["DATABASE_URL_WORKER"]
    assert files["migrate/database_url"].startswith("postgresql://seven:")
    assert files["console/console_reader_url"].startswith("postgresql://seven_readonly:")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("values", "users", "fault"),
    [
        ({"REDIS_URL_WORKERS": REDIS}, True, f"REDIS_URL_WORKERS: {NONE} are {', '.join(USERS)}"),
        ({"DATABASE_URL_BEAT": DATABASE}, True, f"DATABASE_URL_BEAT: {NONE} are {', '.join(ROLES)}"),
        ({"REDIS_URL_BEAT": REDIS}, True, "REDIS_URL_BEAT: setup makes the users of compose's own Redis; leave it"),
        ({"REDIS_URL": REDIS, "REDIS_URL_CLI": REDIS}, False, f"REDIS_URL_CLI: {LATER}"),
        ({"DATABASE_URL_CLI": DATABASE}, False, f"DATABASE_URL_CLI: {LATER}"),
        ({"REDIS_URL": REDIS, "REDIS_URL_BEAT": "http://redis.example"}, True, "REDIS_URL_BEAT: "),
        ({"DATABASE_URL_CLI": "mysql://db.example/seven"}, True, "DATABASE_URL_CLI: "),
        ({"DATABASE_URL_CLI_FILE": "operator"}, True, "DATABASE_URL_CLI_FILE: containers do not see that file; "),
    ],
)
def test_a_url_without_effect_is_a_fault(setup: Setup, values: dict[str, str], users: bool, fault: str, check: bool):
    """A misspelt one would leave a process the rights of all; and `check` says the same as setup."""
    setup.more = setup.when_checking = ("users",) if users else ()
    ended = setup.run({**GOOD, **values}, check=check)
    assert (ended.returncode, setup.files()) == (2, {})
    assert f"configuration: {fault}" in ended.stderr
    assert "for-" not in ended.stderr


def test_a_warning_names_whoever_shares_a_user(setup: Setup):
    """Some have their own: the others, the console among them, would use a URL that may do everything."""
    partly = {name: url for name, url in EVERY.items() if name not in {"REDIS_URL_CLI", "SEVEN_READER_URL"}}
    ended = setup.run(partly)
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [
        "warning: REDIS_URL_CLI: not set, so REDIS_URL is used there",
        "warning: SEVEN_READER_URL: not set, so DATABASE_URL is used there",
    ]
    assert setup.files()["cli/redis_url"] == REDIS

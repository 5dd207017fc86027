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
LATER = "takes effect with deploy/users.yml, in Kubernetes with `make kubernetes ARGS=users`"
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

    assert (seen_by("shared"), seen_by("owners")) == (set(), {"migrate"})
    assert seen_by("readers") == {"console", "cli", "migrate"}
    for container in ("ingest", "worker", "beat", "reactions", "flower", "console", "cli"):
        assert seen_by(f"for-{container}") == {container}
    assert files["beat/database_url"] == ""


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
        ({"REDIS_URL_WORKERS": REDIS}, True, f"REDIS_URL_WORKERS: is no setting; there are {', '.join(USERS)}"),
        ({"DATABASE_URL_BEAT": DATABASE}, True, f"DATABASE_URL_BEAT: is no setting; there are {', '.join(ROLES)}; the"),
        ({**USERS, "REDIS_URL_BEAT": ""}, True, "REDIS_URL_BEAT: is missing; with one of them each process needs its"),
        ({**ROLES, "DATABASE_URL": DATABASE}, True, "SEVEN_READER_URL: is missing; with one of them each process"),
        (USERS, False, f"REDIS_URL_CLI: {LATER}"),
        (ROLES, False, f"DATABASE_URL_CLI: {LATER}"),
        ({**USERS, "REDIS_URL_BEAT": "http://:shared@redis.example"}, True, "REDIS_URL_BEAT: "),
        ({**ROLES, "DATABASE_URL_CLI": "mysql://owner:owners@db.example/seven"}, True, "DATABASE_URL_CLI: "),
        ({"DATABASE_URL_CLI_FILE": "operator"}, True, "DATABASE_URL_CLI_FILE: containers do not see that file; "),
    ],
)
def test_a_url_that_would_leave_the_rights_of_all_is_a_fault(
    setup: Setup, values: dict[str, str], users: bool, fault: str, check: bool
):
    """Misspelt, missing or without effect; `check` says the same as setup, and neither shows a password."""
    setup.more = setup.when_checking = ("users",) if users else ()
    ended = setup.run({**GOOD, **values}, check=check)
    assert (ended.returncode, setup.files()) == (2, {})
    assert f"configuration: {fault}" in ended.stderr
    assert not [word for word in ("shared", "owners", "for-worker") if word in ended.stderr]


def test_one_user_of_redis_for_all_is_worth_a_warning(setup: Setup):
    """A provider may have no other; roles of PostgreSQL do without."""
    ended = setup.run({**GOOD, "REDIS_URL": REDIS, **ROLES})
    sentence = "REDIS_URL: every process uses it; REDIS_URL_INGEST and the like give each a user of its own"
    assert (ended.returncode, ended.stderr) == (0, f"warning: {sentence}\n")
    files = setup.files()
    assert files["beat/redis_url"] == files["ingest/redis_url"] == REDIS

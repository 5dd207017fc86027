"""deploy/kubernetes/configure.py: a `.env` becomes Secrets and a ConfigMap, with nothing lost and nothing in the wrong place."""

import base64
from pathlib import Path

import pytest

from tests.deploy.kubernetes import SETTINGS, Installation, container, mounted_secret, pod, select
from tests.deploy.test_setup import GOOD
from tests.deploy.test_user_urls import EVERY
from tests.settings_pages import default, sections

OTHERS = {
    "SEVEN_PUBLIC_URL": "https://hooks.example.com",
    "SEVEN_OPT_OUT_WORDS": '[de]\nstop = ["ADIEU"]\n',
    "SEVEN_TRUSTED_PROXIES": "192.0.2.1",
    "SEVEN_SIGNATURE_MODE": "off",
    "SEVEN_CONSOLE_IDENTITY_HEADER": "X-Forwarded-User",
    "SEVEN_CONSOLE_TEXTS_FOR": "anna",
}
"""Values of settings that have no default."""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def settings(installation: Installation) -> dict[str, str]:
    return {file.name: file.read_text() for file in (installation.directory / "config/settings").iterdir()}


def test_every_setting_of_env_is_in_the_config_map(installation: Installation):
    """Each as it was written, tables of several lines as well."""
    fields = {name: field for _, fields in sections() for name, field in fields}
    values = {name: default(fields[name]) for name in SETTINGS} | OTHERS
    ended = installation.configure(GOOD | {name: value for name, value in values.items() if value})

    assert ended.returncode == 0, ended.stderr
    assert settings(installation) == {name: value for name, value in values.items() if value}
    (written,) = [
        document["data"]
        for document in select(installation.render("small"), "ConfigMap").values()
        if "SEVEN_OPT_OUT_WORDS" in document["data"]
    ]
    assert written == settings(installation)


def test_two_settings_are_enough(installation: Installation):
    """The rest has defaults; logs are for a collector, proxies are those of the cluster, and kube-proxy needs a while."""
    ended = installation.configure()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert settings(installation)["SEVEN_LOG_FORMAT"] == "json"
    assert settings(installation)["SEVEN_LINGER_S"] == "10"
    assert set(settings(installation)) == {"SEVEN_LOG_FORMAT", "SEVEN_TRUSTED_PROXIES", "SEVEN_LINGER_S"}


def test_a_receiver_lingers_as_long_as_env_says(installation: Installation):
    """For a balancer that needs longer; nothing in the manifest is stronger than the ConfigMap."""
    installation.configure(GOOD | {"SEVEN_LINGER_S": "30"})

    assert settings(installation)["SEVEN_LINGER_S"] == "30"
    assert "SEVEN_LINGER_S" not in str(select(installation.render("small"), "Deployment"))


def test_what_has_no_effect_is_named(installation: Installation):
    """Settings of a machine or of compose, and what the manifests set themselves."""
    compose = {"SEVEN_PORT": "8001", "COMPOSE_PROFILES": "console", "SEVEN_METRICS_ADDRESS": "off", "PROXY_DOMAIN": ""}
    (installation.env.parent / "reactions.d").mkdir()
    used = {"REDIS_PASSWORD": "a-long-password", "SEVEN_REACTIONS_DIRECTORY": "./reactions.d", "SEVEN_SWEEP_S": "5"}
    ended = installation.configure(GOOD | used | compose)

    assert ended.returncode == 0
    assert ended.stderr == (
        "warning: without effect in Kubernetes: COMPOSE_PROFILES, SEVEN_METRICS_ADDRESS, SEVEN_PORT\n"
    )
    assert "without effect" not in installation.configure(EVERY, "users").stderr


def test_a_file_is_passed_on_as_what_is_in_it(installation: Installation):
    """Pods do not see the file that SEVEN_OPT_OUT_WORDS_FILE names beside `.env`."""
    (installation.env.parent / "words.toml").write_text('[de]\nstop = ["ADIEU"]\n')
    assert installation.configure(GOOD | {"SEVEN_OPT_OUT_WORDS_FILE": "words.toml"}).returncode == 0

    assert settings(installation)["SEVEN_OPT_OUT_WORDS"] == '[de]\nstop = ["ADIEU"]\n'


def test_a_fault_writes_nothing(installation: Installation):
    """The faults of `setup`, by its exit code."""
    ended = installation.configure(GOOD | {"SEVEN_SWEEP_S": "soon"})

    assert (ended.returncode, ended.stderr.startswith("configuration: SEVEN_SWEEP_S: ")) == (2, True)
    assert not list((installation.directory / "config").iterdir())


@pytest.mark.parametrize("words", [None, b"stop = [", b"\xff"], ids=["absent", "no TOML", "not UTF-8"])
def test_a_file_that_cannot_be_used_writes_nothing(installation: Installation, words: bytes | None):
    """Neither secrets nor settings: half of a new configuration would be applied with half of the old one."""
    if words is not None:
        (installation.env.parent / "words.toml").write_bytes(words)
    ended = installation.configure(GOOD | {"SEVEN_OPT_OUT_WORDS_FILE": "words.toml"})

    assert (ended.returncode, "SEVEN_OPT_OUT_WORDS_FILE" in ended.stderr, ended.stdout) == (2, True, "")
    assert not list((installation.directory / "config").iterdir())


def test_another_run_keeps_passwords_and_forgets_settings(installation: Installation):
    """What was made is made once; what `.env` has no more is gone."""
    installation.configure(GOOD | {"SEVEN_SWEEP_S": "7"})
    password = (installation.directory / "config/redis/redis_password").read_text()
    installation.configure()

    assert (installation.directory / "config/redis/redis_password").read_text() == password
    assert "SEVEN_SWEEP_S" not in settings(installation)


def test_new_values_start_new_pods(installation: Installation):
    """A Secret is named by what is in it: only processes that read what changed start again."""

    def names() -> dict[str, set[str]]:
        deployments = select(installation.render("small"), "Deployment")
        volumes = {name: pod(document)["spec"]["volumes"] for name, document in deployments.items()}
        return {name: {v["secret"]["secretName"] for v in of_pod if "secret" in v} for name, of_pod in volumes.items()}

    installation.configure()
    before = names()
    installation.configure(GOOD | {"FLOWER_BASIC_AUTH": "ops:" + "y" * 12})
    after = names()

    assert {name for name in before if before[name] != after[name]} == {"worker", "beat", "cli", "flower"}


def test_the_directory_of_reactions_is_mounted_for_their_process_alone(installation: Installation):
    """File, functions and secrets of targets; without any, the volume is empty, and the process says what is missing."""
    directory = installation.env.parent / "mine"
    directory.mkdir()
    for name in ("reactions.toml", "handlers.py", "shop_secret"):
        (directory / name).write_text(f"# {name}\n")
    assert installation.configure(GOOD | {"SEVEN_REACTIONS_DIRECTORY": "./mine"}).returncode == 0
    documents = installation.render("small")

    (secret,) = [name for name in select(documents, "Secret") if name.startswith("reactions-directory-")]
    assert set(select(documents, "Secret")[secret]["data"]) == {"reactions.toml", "handlers.py", "shop_secret"}
    mounting = {name for name, document in select(documents, "Deployment").items() if secret in str(document)}
    assert mounting == {"reactions"}


def test_each_process_may_have_a_user_of_redis(installation: Installation):
    """With `users`, and its component: every Deployment that uses Redis mounts a Secret with a user of its own."""
    installation.use_users()
    assert installation.configure(GOOD, "users").returncode == 0
    documents = installation.render("small")
    secrets = {name: document["data"] for name, document in select(documents, "Secret").items()}
    users = {}
    for name, deployment in select(documents, "Deployment").items():
        mounted = {volume["name"]: volume for volume in pod(deployment)["spec"]["volumes"]}["secrets"]
        url = base64.b64decode(secrets[mounted["secret"]["secretName"]]["redis_url"]).decode()
        users[name] = url.removeprefix("redis://").partition(":")[0]
    assert users == {
        "ingest": "receiver", "worker": "worker", "beat": "beat", "reactions": "dispatcher", "flower": "flower",
        "console": "console", "cli": "cli",
    }  # fmt: skip


def test_the_owner_of_the_tables_migrates_and_nobody_else_can(installation: Installation):
    """Servers elsewhere, with a role for each process; the CronJob is the Job's pod, and gets its URL."""
    installation.use_users()
    assert installation.configure(EVERY, "users").returncode == 0
    documents = installation.render("managed")
    seeing = {
        name.rpartition("-")[0]
        for name, document in select(documents, "Secret").items()
        if [value for value in document["data"].values() if b"owners" in base64.b64decode(value)]
    }
    assert seeing == {"migrate"}

    job, partitions = select(documents, "Job")["migrate"], select(documents, "CronJob")["partitions"]
    weekly = partitions["spec"]["jobTemplate"]
    assert mounted_secret(job) == mounted_secret(weekly) == "migrate"
    assert container(weekly)["command"] == ["seven-ingest", "migrate"]
    for part in (weekly, job):
        for name in ("command", "env"):
            del container(part)[name]
        volumes = pod(part)["spec"]["volumes"]
        volumes.sort(key=lambda volume: str(volume["name"]))
    assert pod(weekly) == pod(job)


def test_users_are_not_taken_away_by_accident(installation: Installation):
    """Without `users` the next apply would leave a Redis without those whom beat and the command line log in as."""
    installation.configure(GOOD, "users")
    before = (installation.directory / "config/redis/users.acl").read_text()
    ended = installation.configure(GOOD)
    assert (ended.returncode, ended.stderr.startswith("configuration: config/ has users for each process: ")) == (
        2,
        True,
    )
    assert (installation.directory / "config/redis/users.acl").read_text() == before

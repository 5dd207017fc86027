"""docker-compose.yml says what it promises: little is published, nobody is more than they need, and all is told."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.settings import IngestSettings
from runtime.settings import Environment
from runtime.shutdown import BOUND_S
from tests.deploy.tools import tool
from tests.servers import PATIENCE_S
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("ingest", "worker", "beat")
DOCKERFILES = ("deploy/Dockerfile", "deploy/proxy/Dockerfile")


def test_the_files_are_compose_files():
    """Both fit the schema of the compose specification."""
    subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            *("docker-compose.yml", "deploy/tls.yml"),  # servers.yml has compose's own !override, which is no YAML
        ],
        cwd=ROOT,
        check=True,
    )


@pytest.mark.parametrize("file", DOCKERFILES)
def test_the_dockerfiles_are_good(file: str):
    """hadolint finds nothing."""
    subprocess.run([tool(str(Path(sys.executable).with_name("hadolint")), "hadolint"), file], cwd=ROOT, check=True)


def test_only_the_proxy_is_published():
    """The receiver and Flower are reached through it; Flower, by default, from this machine only."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["proxy"]
    assert [port.rpartition(":")[2] for port in published["proxy"]] == ["8000", "5555"]
    assert published["proxy"][1].startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_more_than_they_need(name: str):
    """No capabilities but those that are named, no new privileges, a root that cannot be written to."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service.get("cap_add", ())) == {
        "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
        "setup": {"DAC_OVERRIDE"},
        "check": {"DAC_OVERRIDE"},
    }.get(name, set())


@pytest.mark.parametrize("name", [name for name, told in SERVICES.items() if told["restart"] == "always"])
def test_who_stays_is_watched_and_bounded(name: str):
    """A health check, limits, and time to end."""
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
    if name in OURS:
        assert int(service["stop_grace_period"].removesuffix("s")) > BOUND_S


@pytest.mark.parametrize(
    ("name", "settings"), [("ingest", IngestSettings), ("worker", WorkerSettings), ("beat", WorkerSettings)]
)
def test_every_setting_reaches_its_process(name: str, settings: type[Environment]):
    """What .env may tell is passed on, or is a secret's file; what has no meaning in a container is not."""
    without = {"SEVEN_DATA_DIR", "PROMETHEUS_MULTIPROC_DIR"}  # for one machine without containers
    told = {one.removesuffix("_FILE") for one in SERVICES[name]["environment"]}

    assert {field.upper() for field in settings.model_fields} - without <= told


def test_no_secret_is_in_the_environment():
    """A container's environment is shown by `docker inspect`."""
    secrets = re.compile(r"TOKEN|KEY|AUTH|PASSWORD|^REDIS_URL|^DATABASE_URL")

    for service in SERVICES.values():
        assert not [name for name in service.get("environment", {}) if secrets.search(name) and "_FILE" not in name]


def test_each_sees_its_own_secrets_only():
    """The receiver knows no API key, Flower no database; the setup that lays them out is the only one to see all."""
    mounted = {
        name: {one.split(":")[0] for one in service.get("volumes", ()) if "secrets" in one}
        for name, service in SERVICES.items()
    }

    assert mounted.pop("setup") == {f"{name}-secrets" for name in ("ingest", "worker", "flower", "postgres", "redis")}
    assert {name: seen for name, seen in mounted.items() if seen} == {
        **{name: {f"{name}-secrets"} for name in ("ingest", "worker", "flower", "postgres", "redis")},
        **{name: {"worker-secrets"} for name in ("beat", "migrate", "cli")},
    }


@pytest.mark.parametrize("name", ["redis", "postgres", "proxy"])
def test_an_upgrade_leaves_the_servers_running(name: str):
    """Compose recreates a service whose image or configuration changed, and stops those that depend on it.

    Before 2.29.4 what a service depends on is a part of its configuration, and `--no-deps` leaves it out.
    """
    service = SERVICES[name]

    assert "depends_on" not in service
    assert "INGEST_VERSION" not in yaml.safe_dump(service)


@pytest.mark.parametrize(
    ("name", "secret"), [("redis", "/run/secrets/users.acl"), ("postgres", "/run/secrets/postgres_password")]
)
def test_a_server_starts_once_its_secret_is_there(name: str, secret: str, tmp_path: Path):
    """Nothing holds it back but the file; the image's own entrypoint, where there is one, starts it."""
    entrypoint = [word.replace("$$", "$") for word in SERVICES[name]["entrypoint"]]
    waited_for, *words = SERVICES[name]["command"]
    assert waited_for == secret
    (tmp_path / "docker-entrypoint.sh").write_text('#!/bin/sh\necho started "$@"\n')
    (tmp_path / "docker-entrypoint.sh").chmod(0o755)
    file = tmp_path / "secret"
    with subprocess.Popen(
        [*entrypoint, str(file), *words],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        file.write_text("a secret")
        assert process.communicate(timeout=60)[0] == f"started {' '.join(words)}\n"


def test_a_server_that_waits_can_be_stopped(tmp_path: Path):
    """The first process of a container ignores what it does not handle, and would be killed after a minute."""
    entrypoint = [word.replace("$$", "$") for word in SERVICES["redis"]["entrypoint"]]
    entrypoint[-1] = f"echo waiting; {entrypoint[-1]}"
    with subprocess.Popen([*entrypoint, str(tmp_path / "never")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.terminate()
        assert process.wait(PATIENCE_S) in (1, -signal.SIGTERM)  # the latter before its trap stands


def test_whoever_starts_after_setup_says_so():
    """What setup refuses is started by no process of ours, and each reads the secrets that are in force."""
    ours = {name for name, told in SERVICES.items() if "-secrets:/run/secrets" in str(told.get("volumes"))}

    waiting = {name for name in ours if "setup" in SERVICES[name].get("depends_on", {})}
    assert waiting == ours - {"redis", "postgres", "cli"}


def test_a_check_can_write_nothing():
    """It is setup, without a volume to write to, and runs only when it is asked for."""
    check, setup = SERVICES["check"], SERVICES["setup"]

    assert "volumes" not in check
    assert check["profiles"] == ["check"]
    assert check["command"] == setup["command"][:-1]
    assert {**check, "profiles": 0, "command": 0} == {
        **{name: told for name, told in setup.items() if name != "volumes"}, "profiles": 0, "command": 0,
    }  # fmt: skip


def test_the_image_is_made_by_what_makes_the_development_environment():
    """The same uv, from the same lock."""
    pinned = [re.search(r"UV ?:?= ?([\d.]+)", (ROOT / file).read_text()) for file in ("Makefile", "deploy/Dockerfile")]

    assert len({found[1] for found in pinned if found}) == 1
    assert all(pinned)

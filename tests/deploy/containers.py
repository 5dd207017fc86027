"""The rehearsal's own compose project on Docker's engine."""

import os
import subprocess
from collections.abc import Mapping

from tests.processes import ROOT

PROJECT = "seven-ingest-rehearsal"


def compose(*words: str, told: Mapping[str, str] | None = None, check: bool = True) -> str:
    """Run `docker compose`; returns what it printed."""
    return _run(("docker", "compose", *words), told or {}, check=check).stdout


def follow(script: str, told: Mapping[str, str] | None = None, *, check: bool = True) -> int:
    """Run commands of the runbook word by word; returns the exit code."""
    return _run(("bash", "-c", script), told or {}, check=check).returncode


def containers(*services: str) -> dict[str, str]:
    """Since when each container of these services runs, or of all of them."""
    ids = compose("ps", "-q", *services).split()
    form = "{{.Id}} {{.State.StartedAt}}"
    printed = _run(("docker", "inspect", "--format", form, *ids), {}, check=True).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines())


def rebuild(label: str) -> None:
    """A new image under the same tag, as `docker compose build` makes one after a change."""
    dockerfile = f"FROM seven-ingest:local\nLABEL rehearsal={label}\n"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", "seven-ingest:local", "-"],
        input=dockerfile, check=True, capture_output=True, text=True,
    )  # fmt: skip


def _run(command: tuple[str, ...], told: Mapping[str, str], *, check: bool) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, **told}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done

"""Releases that installations may come from: their code, from this repository's history."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.processes import ROOT, Process

COMMITS = {"0.1.0": "e7684f1fb8368053c1314e304c054acff00d3dab"}
"""The last commit of each release that an installation may still run. `tests/upgrade/capture.py` has left its data here."""
RELEASES = tuple(COMMITS)


def check_out(release: str, directory: Path) -> Path:
    """A directory with the code of a release, below `directory`. Skips the test where the history is not here."""
    code, archive = directory / release, directory / f"{release}.tar"
    command = ["git", "archive", f"--output={archive}", COMMITS[release]]
    archived = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if archived.returncode:
        pytest.skip(f"no code of {release}: this clone is shallow, or no clone at all")
    with tarfile.open(archive) as file:
        file.extractall(code, filter="data")
    return code


def command(code: Path, environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `seven-ingest` of this code, with the packages of today."""
    script = "from cli.main import app; app()"
    return subprocess.run(
        [sys.executable, "-c", script, *words], cwd=code, env=environment, capture_output=True, text=True, check=False
    )


def run_code(code: Path, *processes: Process) -> None:
    """End these processes as an operator does, if they run, and start them with other code."""
    for process in processes:
        if process.process:
            process.end()
        process.root = code
        process.start()

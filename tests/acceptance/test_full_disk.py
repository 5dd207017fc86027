"""A server's disk runs full: nothing that was answered 2xx is lost, and with room again all goes on by itself."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.extent import thorough
from tests.processes import ROOT

MOUNTED = 'mount -t tmpfs -o size="$0",mode=755 none "$1" && shift && exec "$@"'


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not below pytest's own, which no server of another user may enter."""
    with tempfile.TemporaryDirectory(prefix="seven-full-disk-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.duration(30)
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("redis", "32m"),
        pytest.param("postgresql", "160m", marks=thorough),
        pytest.param("sqlite", "8m", marks=thorough),
    ],
)
def test_a_full_disk(directory: Path, kind: str, size: str):
    """Of Redis, SQLite or PostgreSQL, on a real file system without a free byte. Skipped where none may be mounted."""
    apart = ["unshare", "--mount", "--propagation", "private"]
    small = directory / "small"
    small.mkdir()
    try:
        allowed = subprocess.run(
            [*apart, "sh", "-c", MOUNTED, size, str(small), "true"], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if allowed.returncode:
        pytest.skip("this user may mount nothing")
    command = [sys.executable, "-m", "tests.acceptance.full_disk", kind, str(directory)]
    completed = subprocess.run(
        [*apart, "sh", "-c", MOUNTED, size, str(small), *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr

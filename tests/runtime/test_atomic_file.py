"""A file that is replaced as a whole."""

import os
import subprocess
import sys
from pathlib import Path

from runtime import atomic_file

FULL_DISK = """
import resource, sys
from pathlib import Path
from runtime import atomic_file

resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    atomic_file.write(Path(sys.argv[1]), "new" * 1000)
except OSError:
    sys.exit(3)
"""


def test_a_file_is_replaced_and_only_its_owner_reads_it(tmp_path: Path):
    """Also where the former one, or the draft of a killed process with the same id, was everybody's to read."""
    path = tmp_path / "token"
    for file in (path, tmp_path / f".token.{os.getpid()}"):
        file.write_text("former, and longer")
        file.chmod(0o644)
    atomic_file.write(path, "neu: ä\n")
    assert path.read_text("utf-8") == "neu: ä\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_former_file(tmp_path: Path):
    """As on a full disk."""
    path = tmp_path / "state"
    atomic_file.write(path, "former")
    assert subprocess.run([sys.executable, "-c", FULL_DISK, path], check=False, timeout=60).returncode == 3
    assert path.read_text() == "former"

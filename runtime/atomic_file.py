"""Atomic file: a small file that is replaced as a whole."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replace a file, readable by its owner only. Raises OSError.

    A reader has all of this text or all of the former one, even after a power loss.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed: its rights may be others
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

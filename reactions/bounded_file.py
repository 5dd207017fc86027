"""Bounded file: the text of a small regular file."""

import os
import stat
from pathlib import Path


def read_text(path: Path, most_bytes: int) -> str:
    """The UTF-8 text of a file, without a byte order mark. Raises ValueError that quotes nothing of the file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for somebody who writes
            raise ValueError("it is no file")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None

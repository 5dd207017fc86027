"""Secret file: the keys that sign requests to one target, read again when the file changes."""

import os
import threading
from pathlib import Path

from reactions.bounded_file import read_text
from reactions.signature import read_secret
from runtime.logs import logger

log = logger("seven.reactions")

LONGEST = 4096
"""Bytes that are read; two secrets have less than 200."""
MOST_SECRETS = 2

Stamp = tuple[int, int, int] | None


def read_secrets(path: Path) -> tuple[bytes, ...]:
    """The keys in a file, one a line, the current one first. Raises ValueError that quotes nothing of the file."""
    lines = [line for text in read_text(path, LONGEST).splitlines() if (line := text.strip())]
    if not lines:
        raise ValueError("it is empty")
    if len(lines) > MOST_SECRETS:
        raise ValueError(f"it has {len(lines)} secrets, at most {MOST_SECRETS} at once: the current and the former")
    return tuple(map(read_secret, lines))


class SecretFile:
    """The keys of one target. Threads may share it."""

    def __init__(self, path: Path, reaction: str) -> None:
        """Read the file. Raises ValueError if it is invalid."""
        self._path, self._reaction = path, reaction
        self._lock = threading.Lock()
        self._stamp = self._current_stamp()  # before reading: what is written meanwhile is read again
        self._keys = read_secrets(path)

    def keys(self) -> tuple[bytes, ...]:
        """The keys as the file has them now, or the last valid ones: who writes it may not have finished."""
        stamp = self._current_stamp()
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._renew(stamp)
        return self._keys

    def _renew(self, stamp: Stamp) -> None:
        try:
            self._keys = read_secrets(self._path)
        except ValueError as error:
            log.warning(
                "a secret file became invalid; its former secrets stay", reaction=self._reaction, cause=str(error)
            )
        else:
            log.info("a secret file has changed", reaction=self._reaction, secrets=len(self._keys))
        self._stamp = stamp

    def _current_stamp(self) -> Stamp:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

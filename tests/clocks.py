"""A clock of their own for the processes that are started with it: set ahead or back while they run.

Servers in C heed it through libfaketime (`environment`), our own processes through `tests.chaos.clock_skew` (`through`).
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import eventually

_LIBRARIES = sorted(Path("/usr/lib").glob("*-linux-gnu/faketime/libfaketimeMT.so.1"))
NEAR_S = 30.0
NEEDED = "libfaketime is not installed (Debian: libfaketime)"


def is_there() -> bool:
    """Whether clocks can be set on this machine."""
    return bool(_LIBRARIES)


class Clock:
    """The wall clock of whatever is started with its `environment`; what counts monotonically is left alone."""

    def __init__(self, usual_s: float = 0) -> None:
        # Not below pytest's own directory, which other users may not enter: PostgreSQL may be run by one.
        directory = Path(tempfile.mkdtemp(prefix="seven-clock-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)
        self._file = directory / "clock"
        self.read: Callable[[], float] | None = None
        """What a process with this clock reads, in epoch seconds; where that can be asked, setting the clock waits for it."""
        self.usual_s = usual_s
        """How far it is ahead of the machine's while nothing is wrong."""
        self.set(usual_s)

    @property
    def through(self) -> tuple[str, ...]:
        """What one of our processes is launched through."""
        return ("tests.chaos.clock_skew", str(self._file))

    @property
    def environment(self) -> dict[str, str]:
        """What a server is started with. Skips the test where libfaketime is not installed."""
        if not is_there():
            pytest.skip(NEEDED)
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # its name in older versions
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, ahead_s: float) -> None:
        """From now on it is so far ahead of the machine's clock; negative: behind."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{ahead_s:+.0f}\n")
        written.chmod(0o644)
        os.replace(written, self._file)
        if read := self.read:
            eventually(lambda: abs(read() - time.time() - ahead_s) < NEAR_S)

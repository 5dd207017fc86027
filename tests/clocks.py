"""A separate wall clock for single processes, to be set ahead or back while they run.

Servers in C follow it through libfaketime (`environment`), our own processes through `tests.chaos.clock_skew` (`through`).
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


def is_available() -> bool:
    """Whether clocks can be set on this machine."""
    return bool(_LIBRARIES)


class Clock:
    """The wall clock of processes started with it; their monotonic clock stays untouched."""

    def __init__(self, normal_s: float = 0) -> None:
        # Not below pytest's own directory, which is closed to other users: PostgreSQL may run as one.
        directory = Path(tempfile.mkdtemp(prefix="seven-clock-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)
        self._file = directory / "clock"
        self.read: Callable[[], float] | None = None
        """Reads the clock in a process, in epoch seconds; if set, `set` waits until the process follows."""
        self.normal_s = normal_s
        """Seconds ahead of the machine's clock outside faults."""
        self.set(normal_s)

    @property
    def through(self) -> tuple[str, ...]:
        """Module and argument to launch one of our processes through."""
        return ("tests.chaos.clock_skew", str(self._file))

    @property
    def environment(self) -> dict[str, str]:
        """Environment to start a server with. Skips the test if libfaketime is not installed."""
        if not is_available():
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
        """Set the clock ahead of the machine's clock by a number of seconds, or behind if negative."""
        new_file = self._file.with_suffix(".new")
        new_file.write_text(f"{ahead_s:+.0f}\n")
        new_file.chmod(0o644)
        os.replace(new_file, self._file)
        if read := self.read:
            eventually(lambda: abs(read() - time.time() - ahead_s) < NEAR_S)

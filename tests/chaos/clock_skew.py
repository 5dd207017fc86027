"""Run a program with a skewed wall clock, as on a machine without time synchronisation.

`python -m tests.chaos.clock_skew SECONDS MODULE ARGUMENTS…` runs a module with `time.time`, `time_ns`, `gmtime`, `localtime`,
`clock_gettime(CLOCK_REALTIME)`, `datetime.now` and `utcnow` ahead by that many seconds, and ticking. `time.monotonic`
is unchanged, since setting a wall clock does not move it; so is the time that C libraries read from the kernel themselves
(the uuids of `uuid_utils`).

A file name instead of SECONDS names a file that holds them (`tests.clocks.Clock`): writing it sets the clock of the
running program. libfaketime does the same for programs in C, but breaks `time.sleep` of Python 3.11 and later.
"""

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from tests.chaos.processes import launch

LOOK_S = 0.05


def _follow(file: Path, ahead_s: float, clock: time_machine.Traveller) -> None:
    while True:
        offset_s = float(file.read_text())
        if offset_s != ahead_s:
            clock.shift(offset_s - ahead_s)
            ahead_s = offset_s
        time.sleep(LOOK_S)


def skew_clock(offset: str) -> None:
    """Skew this process' clock by a number of seconds, or by the content of a file, now and whenever it changes."""
    file = None if offset.lstrip("+-").replace(".", "").isdecimal() else Path(offset)
    ahead_s = float(file.read_text() if file else offset)
    clock = time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead_s), tick=True).start()
    if file:
        threading.Thread(target=_follow, args=(file, ahead_s, clock), name="clock", daemon=True).start()


if __name__ == "__main__":
    skew_clock(sys.argv[1])
    launch(sys.argv[2:])

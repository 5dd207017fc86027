"""Apart: a program with its clock set apart, as on a machine whose time nobody keeps.

`python -m tests.chaos.clock_skew SECONDS MODULE ARGUMENTS…` runs a module with `time.time`, `time_ns`, `gmtime`, `localtime`,
`clock_gettime(CLOCK_REALTIME)`, `datetime.now` and `utcnow` so many seconds ahead, and going on. Not `time.monotonic`,
which no clock of the wall moves; not what C libraries ask the kernel for themselves (the uuids of `uuid_utils`).

Instead of the seconds a file may be named that holds them (`tests.clocks.Clock`): whoever writes it sets the clock of the
program while it runs. libfaketime does the same to programs in C, and breaks the `time.sleep` of Python 3.11 and later.
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
        wanted_s = float(file.read_text())
        if wanted_s != ahead_s:
            clock.shift(wanted_s - ahead_s)
            ahead_s = wanted_s
        time.sleep(LOOK_S)


def set_apart(by: str) -> None:
    """Set this process' clock by so many seconds, or by what a file says now and later."""
    file = None if by.lstrip("+-").replace(".", "").isdecimal() else Path(by)
    ahead_s = float(file.read_text() if file else by)
    clock = time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead_s), tick=True).start()
    if file:
        threading.Thread(target=_follow, args=(file, ahead_s, clock), name="clock", daemon=True).start()


if __name__ == "__main__":
    set_apart(sys.argv[1])
    launch(sys.argv[2:])

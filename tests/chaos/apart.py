"""Apart: a program with its clock set apart, as on a machine whose time nobody keeps.

`python -m tests.chaos.apart SECONDS MODULE ARGUMENTS…` runs a module with `time.time`, `time_ns`, `gmtime`, `localtime`,
`clock_gettime(CLOCK_REALTIME)`, `datetime.now` and `utcnow` so many seconds ahead, and going on. Not `time.monotonic`,
which no clock of the wall moves; not what C libraries ask the kernel for themselves (the uuids of `uuid_utils`).
"""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from tests.chaos.launching import launch

if __name__ == "__main__":
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(sys.argv[1])), tick=True).start()
    launch(sys.argv[2:])

"""Stalling process: a worker that can be told to consume no more, which the product refuses.

`python -m tests.acceptance.stalling_process MODULE ARGUMENTS…` allows that one command, then runs the program.
"""

import sys

from tests.chaos.processes import launch
from workers import remote_control

if __name__ == "__main__":
    remote_control.USED |= {"cancel_consumer"}  # type: ignore[misc]
    launch(sys.argv[1:])

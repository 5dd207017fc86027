"""Leash: becomes a command that is asked to end when the process which started it is gone, even by SIGKILL.

Run as a file, `python leash.py PID COMMAND …`. The kernel of Linux keeps the leash, across the exec; elsewhere there
is none. It is a process of its own because what runs between fork and exec must not be Python.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(owner: int, command: list[str]) -> None:
    """Become the command, unless the owner has gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != owner:
            return
    os.execv(command[0], command)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

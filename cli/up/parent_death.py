"""Parent death: runs a command that gets SIGTERM when the process that started it is gone, even by SIGKILL.

Run as a file, `python parent_death.py PID COMMAND …`. The Linux kernel sends the signal, also after the exec; other
systems have none. It is a process of its own because no Python may run between fork and exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the command, unless the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            return
    os.execv(command[0], command)  # noqa: S606 - needs no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""A pseudo-terminal for a command, on machines that have them."""

import fcntl
import os
import pty
import struct
import termios

import pytest

from tests.cli.installation import CommandLine
from tests.forks import COMMAND, script
from tests.servers import PATIENCE_S


def open_terminal() -> tuple[int, int]:
    """Our end and the command's. Skips the test on a machine without terminals: a container may lack /dev/pts."""
    try:
        return pty.openpty()
    except OSError:
        assert not os.environ.get("CI"), "this machine has no terminals"
        pytest.skip("this machine has no terminals")


def output_on_terminal(installation: CommandLine, words: tuple[str, ...], columns: int, **settings: str) -> str:
    """What a command writes, errors included, on a terminal without colours of this width."""
    ours, theirs = open_terminal()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = installation.environment | {"TERM": "dumb", "COLUMNS": str(columns)} | settings
    output = b""
    try:
        with script((COMMAND, *words), installation.directory, environment, theirs, theirs) as process:
            os.close(theirs)
            try:
                while chunk := os.read(ours, 65536):
                    output += chunk
            except OSError:  # the other end is closed
                process.join(PATIENCE_S)
    finally:
        os.close(ours)
    return output.decode().replace("\r\n", "\n")

"""up on a terminal of 80 columns: every line fits, and no word and no command is broken."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.output.sentences import wrapped
from tests.cli.installation import READY, CommandLine
from tests.cli.terminal import open_terminal
from tests.extent import thorough
from tests.forks import COMMAND
from tests.servers import PATIENCE_S, eventually

COLUMNS = 80


class Terminal:
    """`up` on a terminal of its own; `output` is what it has shown so far, without its colours."""

    def __init__(self, installation: CommandLine) -> None:
        self.installation, self._shown = installation, b""
        ours, theirs = open_terminal()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        os.set_blocking(ours, False)
        environment = installation.environment | {"TERM": "xterm-256color"}
        installation.up = subprocess.Popen(
            [COMMAND, "up"], cwd=installation.directory, env=environment, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self._ours = ours

    def output(self) -> str:
        with suppress(OSError):  # nothing new, or `up` has ended
            while part := os.read(self._ours, 65536):
                self._shown += part
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._shown.decode(errors="replace"))

    def lines(self) -> list[str]:
        """The lines as they stand, each without what was written over."""
        return [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in self.output().split("\n")]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    settings = {"EMULATOR_STORY_MESSAGES": "20", "SEVEN_PUBLIC_URL": "https://h", "SEVEN_PROT": "1"}
    installation = CommandLine(tmp_path, **settings)
    terminal = Terminal(installation)
    yield terminal
    terminal.installation.close()


@thorough
@pytest.mark.duration(20)
def test_everything_fits(terminal: Terminal):
    """From the first warning to the last line, a process that was killed meanwhile included."""
    eventually(lambda: READY in terminal.output())
    os.kill(terminal.installation.child("app beat"), signal.SIGKILL)
    eventually(lambda: "restarts in" in terminal.output())
    up = terminal.installation.up
    assert up
    up.send_signal(signal.SIGINT)
    eventually(lambda: "Ended." in terminal.output())
    assert up.wait(PATIENCE_S) == 0

    lines = terminal.lines()
    assert max(map(len, lines)) <= COLUMNS
    text = " ".join(" ".join(lines).split())
    for sentence in (
        "Warning: SEVEN_PROT is no setting, and has no effect; did you mean SEVEN_PORT?",
        "Warning: SEVEN_PUBLIC_URL is not used without SEVEN_API_KEY: the emulator delivers to this machine.",
        "the gateway is the emulator on this machine, with made-up data. Nothing leaves this machine.",
        "Beat ended (signal 9) and restarts in 0.5 s; see data/logs/beat.log.",
        "Ended. Everything accepted is stored.",
    ):
        assert sentence in text
    for command in (
        "trace",
        "simulate",
        "doctor",
        "query --example links_by_label",
        "dead list",
        "audit",
        "hooks apply",
    ):
        assert [line for line in lines if f"seven-ingest {command}" in line], command


def test_a_long_word_has_a_line_of_its_own():
    """A path or a command that is longer than the line is not broken; without a width nothing is."""
    text = "Its log is /a/very/long/path-with-hyphens/of/a/log; see `seven-ingest dead list` for more."
    assert wrapped(text, 24, "  ", "    ") == [
        "  Its log is",
        "    /a/very/long/path-with-hyphens/of/a/log;",
        "    see",
        "    `seven-ingest dead list`",
        "    for more.",
    ]
    assert wrapped(text, None, "  ") == [f"  {text}"]

"""Every command, whatever it writes to: the same exit code, never a traceback; and a crash has a code of its own."""

import fcntl
import os
import socket
import sqlite3
import subprocess
import termios
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ledger.batch import Batch, Header
from store.engine import create_store_engine
from store.projection import project_batch
from store.row_writer import Store
from tests.cli.commands import COMMANDS
from tests.cli.installation import CommandLine
from tests.cli.terminal import open_terminal
from tests.conftest import TOKEN
from tests.extent import thorough
from tests.factories.envelopes import NOW, envelope
from tests.forks import COMMAND
from tests.servers import PATIENCE_S, eventually

FAULT = 70
IN_EVERY_RUN = ("dead list", "up")
"""The ways in which commands print; `make deploy-check` tries the others, too."""
SEVERAL = [command if command in IN_EVERY_RUN else pytest.param(command, marks=thorough) for command in COMMANDS]
SECRET = "hunter2"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN_1 = {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "latin-1"}


@pytest.fixture
def kept(installation: CommandLine, redis_url: str) -> Iterator[CommandLine]:
    """An installation with foreign letters in its rows, whose `up` cannot start, since Flower's port is taken."""
    installation.environment |= {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN}
    assert installation.run("migrate").returncode == 0
    lines = [
        envelope("łódź", foreign_id="→ Łódź \U0001f44d").line(),
        envelope("dead", msg_id="8", foreign_id="Grüße").line(),
    ]
    projections = project_batch(Batch("b", Header("dlr", "l" * 32, 1, len(lines), NOW), lines))
    projections[1] = projections[1].dead("could not be projected: … → KeyError")
    engine = create_store_engine(f"sqlite:///{installation.data / 'seven.db'}")
    Store(engine).write(row for projection in projections for row in projection.rows())
    engine.dispose()
    with socket.create_server(("127.0.0.1", installation.ports["SEVEN_FLOWER_PORT"])):
        yield installation


def run(
    installation: CommandLine, command: str, out: int, errors: int = subprocess.PIPE, **settings: str
) -> tuple[int, str]:
    """Run a command as people do, not forked: streams and locale are those of a new process. Its code and messages."""
    process = subprocess.run(
        [COMMAND, *COMMANDS[command]],
        cwd=installation.directory,
        env=installation.environment | settings,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=errors,
        timeout=PATIENCE_S,
        check=False,
    )
    messages = ((process.stdout or b"") + (process.stderr or b"")).decode("latin-1")
    assert "Traceback" not in messages
    assert "uncaught" not in messages
    return process.returncode, messages


@pytest.mark.duration(8)
@pytest.mark.parametrize("command", SEVERAL)
def test_every_stream(kept: CommandLine, command: str):
    """A dumb terminal, a full disk, a closed pipe, no stream at all, in each locale: its exit code is what it found."""
    for _ in range(2):  # the first run may change something; the others find the same
        expected = kept.run(*COMMANDS[command]).returncode
    assert expected in (0, 1, 2, 3)
    assert run_on_dumb_terminal(kept, command) == expected
    with open("/dev/full", "wb") as full:
        code, messages = run(kept, command, full.fileno(), **LATIN_1)
    lost = "incomplete: No space left on device" in messages
    assert code == (3 if lost and expected in (0, 1) else expected)
    reader, closed = os.pipe()
    os.close(reader)
    assert run(kept, command, closed, closed)[0] == expected
    os.close(closed)
    words = f"exec {COMMAND} {' '.join(COMMANDS[command])} <&- >&- 2>&-"
    ended = subprocess.run(["sh", "-c", words], cwd=kept.directory, env=kept.environment, check=False)
    assert ended.returncode == expected


def run_on_dumb_terminal(installation: CommandLine, command: str) -> int:
    """Run a command on a small terminal that can do nothing, in a locale that has few letters. Its exit code."""
    ours, theirs = open_terminal()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x18\0\x14\0\0\0\0\0")  # 24 lines of 20 columns
    os.set_blocking(ours, False)
    output = bytearray()
    try:
        process = subprocess.Popen(
            [COMMAND, *COMMANDS[command]],
            cwd=installation.directory,
            env=installation.environment | ASCII | {"TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )

        def ended() -> bool:
            with suppress(BlockingIOError):
                output.extend(os.read(ours, 65536))
            return process.poll() is not None

        eventually(ended)
        ended()
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"Traceback" not in output
    assert b"uncaught" not in output
    assert b"\x1b" not in output
    assert output.isascii()
    return process.returncode


def test_the_first_line_is_enough(kept: CommandLine):
    """`| head -1`: a reader that has read enough changes no exit code."""
    words = f"{{ {COMMAND} status; echo $? >code; }} | head -1"
    ended = subprocess.run(
        ["sh", "-c", words], cwd=kept.directory, env=kept.environment, capture_output=True, check=False
    )
    assert ended.stderr == b""
    assert len(ended.stdout.splitlines()) == 1
    assert int((kept.directory / "code").read_text()) == kept.run("status").returncode


def test_letters_that_a_locale_lacks(kept: CommandLine):
    """Ours are replaced by the nearest, foreign ones escaped."""
    _, output = run(kept, "dead list", subprocess.PIPE, **ASCII)
    assert "could not be projected: ... -> KeyError" in output
    _, output = run(kept, "trace", subprocess.PIPE, **LATIN_1)
    assert r"\u0142\xf3d\u017a" in output or "\\u0142ód\\u017a" in output


@pytest.mark.parametrize("command", SEVERAL)
def test_a_fault_of_the_program(installation: CommandLine, command: str):
    """Whatever no command expects ends it with 70, which no finding has, and shows no message and no traceback."""
    modules = installation.directory / "modules"
    modules.mkdir()
    (modules / "dotenv.py").write_text(f"raise RuntimeError({SECRET!r})\n")
    process = subprocess.run(
        [COMMAND, *COMMANDS[command]],
        cwd=installation.directory,
        env=installation.environment | {"PYTHONPATH": str(modules)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == FAULT
    assert "RuntimeError" in process.stderr
    assert "a fault of the program" in process.stderr
    assert "Traceback" not in process.stderr
    assert SECRET not in process.stdout + process.stderr


def test_a_row_that_nobody_expected(kept: CommandLine):
    """A real one: a time in the database that is none."""
    with closing(sqlite3.connect(kept.data / "seven.db")) as connection, connection:
        connection.execute("UPDATE deliveries SET received_at = ?", (SECRET,))
    result = kept.run("trace")
    assert result.returncode == FAULT
    assert "ValueError" in result.stderr
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "up"])
def test_a_dotenv_that_cannot_be_read(installation: CommandLine, command: str):
    """A `.env` in another encoding is the operator's to mend: exit code 2."""
    Path(installation.directory / ".env").write_bytes("SEVEN_HOOK_TOKEN=Grüße\n".encode("latin-1"))
    result = installation.run(*COMMANDS[command])
    assert (result.returncode, result.stderr) == (2, "configuration: .env: cannot be read: it is not UTF-8\n")

"""Standard input in place of an argument: bytes that are no text are an answer, and no fault of the program."""

import os
import subprocess

import pytest

from seven.phone_numbers import EXPECTED
from tests.cli.installation import CommandLine
from tests.cli.terminal import open_terminal
from tests.forks import COMMAND
from tests.servers import PATIENCE_S

NAME, NUMBER = b"M\xfcller\n", b"+4915111111111\n"
NO_NUMBER = f"NUMBER: {EXPECTED}\n"
STRICT = {"PYTHONIOENCODING": "utf-8:strict"}
"""Standard input as in any locale but C and POSIX."""


@pytest.mark.parametrize(
    ("words", "given", "code", "message"),
    [
        pytest.param("opt-outs check --file -", NUMBER + NAME, 2, "not checked: 2\n", id="opt-outs check --file"),
        pytest.param("opt-outs check -", NAME, 2, NO_NUMBER, id="opt-outs check"),
        pytest.param("opt-outs add -", NAME, 2, NO_NUMBER, id="opt-outs add"),
        pytest.param("trace -", NAME, 1, "", id="trace"),
        pytest.param("forget - --yes", NAME, 2, NO_NUMBER, id="forget"),
        pytest.param("export -", NAME, 2, NO_NUMBER, id="export"),
        pytest.param("query -", b"SELECT '" + NAME, 2, "bytes that are no UTF-8", id="query"),
    ],
)
def test_bytes_in_another_encoding(
    migrated: CommandLine, redis_url: str, words: str, given: bytes, code: int, message: str
) -> None:
    """A list that a spreadsheet wrote in Latin-1: a line is no number, an id is unknown, a statement is no text."""
    result = subprocess.run(
        [COMMAND, *words.split()],
        cwd=migrated.directory,
        env=migrated.environment | STRICT | {"REDIS_URL": redis_url},
        input=given,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (result.returncode, message in result.stderr.decode()) == (code, True), result.stderr


def test_on_a_terminal_it_is_asked_for(migrated: CommandLine, redis_url: str) -> None:
    """An empty screen would make people type again; what was typed before a question was there does not answer it."""
    ours, theirs = open_terminal()
    output = b""

    def read_until(text: bytes) -> None:
        nonlocal output
        while text not in output:
            output += os.read(ours, 4096)

    with subprocess.Popen(
        [COMMAND, "forget", "-"],
        cwd=migrated.directory,
        env=migrated.environment
        | {"REDIS_URL": redis_url, "SEVEN_ERASURE_KEY": "a-key-of-a-test-" * 3, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        try:
            read_until(b"Number: ")
            os.write(ours, NUMBER + b"y\n")  # two lines at once, as when they are pasted
            read_until(b"[y/N]: ")
            os.write(ours, b"n\n")
            assert process.wait(PATIENCE_S) == 1
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)

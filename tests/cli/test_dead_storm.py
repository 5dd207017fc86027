"""dead replay of very many: it may be stopped at any moment, by whatever, and is never faster than asked."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from ledger.batch import Batch, Header
from store.projection import project_batch
from tests.cli.installation import COMMAND, CommandLine
from tests.cli.terminal import open_terminal
from tests.cli.test_dead import asked, write
from tests.factories.envelopes import NOW, envelope
from tests.servers import PATIENCE_S, eventually

FAULT = "could not be projected: KeyError"
MANY = 120


@pytest.fixture
def storm(installation: CommandLine) -> CommandLine:
    """An installation with very many dead letters whose fault is mended."""
    assert installation.run("migrate").returncode == 0
    lines = [envelope(f"{n:04}", msg_id=str(n % 50)).line() for n in range(MANY)]
    told = project_batch(Batch("b", Header("dlr", "l" * 32, 1, len(lines), NOW), lines))
    write(installation, [one.dead(FAULT) for one in told])
    return installation


@contextmanager
def replaying(installation: CommandLine, rate: int = 16) -> Iterator["subprocess.Popen[str]"]:
    """A slow replay of everything, of which a part is done."""
    with subprocess.Popen(
        [COMMAND, "dead", "replay", "--yes", "--rate", str(rate)],
        cwd=installation.directory, env=installation.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            eventually(lambda: applied(installation) or process.poll() is not None)
            assert process.poll() is None
            yield process
        finally:
            process.kill()


def applied(installation: CommandLine) -> int:
    ((number,),) = asked(installation, "SELECT count(*) FROM deliveries WHERE outcome = 'applied'")
    return int(number)


def the_rest_is_done_and_nothing_twice(installation: CommandLine) -> None:
    told = installation.answer("dead", "replay", "--yes", "--rate", "10000")
    assert applied(installation) == MANY
    assert told["done"]["applied"] <= MANY
    assert asked(installation, "SELECT count(*), count(DISTINCT ordinal), max(ordinal) FROM deliveries") == [
        (MANY, MANY, MANY)
    ]
    assert asked(installation, "SELECT count(*) FROM messages") == [(50,)]
    assert asked(installation, "SELECT max(attempts), count(replayed_at) FROM dead_letters") == [(1, MANY)]


def test_an_interrupted_replay_can_be_taken_up_again(storm: CommandLine):
    """Ctrl-C: what is done is done and counted; the same command does the rest."""
    with replaying(storm) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
    done = applied(storm)
    assert 0 < done < MANY
    assert f"{done} of {MANY} were replayed" in said
    assert "Traceback" not in said
    the_rest_is_done_and_nothing_twice(storm)


def test_a_killed_replay_can_be_taken_up_again(storm: CommandLine):
    """kill -9: whatever was done is whole."""
    with replaying(storm) as process:
        process.kill()
    assert 0 < applied(storm) < MANY
    the_rest_is_done_and_nothing_twice(storm)


@pytest.mark.duration(12)
def test_a_database_that_goes_away_ends_a_replay(storm: CommandLine):
    """Exit code 3, and how far it came."""
    with replaying(storm) as process, closing(sqlite3.connect(storm.data / "seven.db", timeout=PATIENCE_S)) as other:
        other.execute("BEGIN IMMEDIATE")
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 3
    assert f"{applied(storm)} of {MANY} were replayed" in said
    the_rest_is_done_and_nothing_twice(storm)


def test_on_a_terminal_it_asks(storm: CommandLine):
    """The plan, a question, a bar; a no changes nothing."""
    assert b"Replay 120 deliveries?" in on_a_terminal(storm, b"n\n", code=1)
    assert applied(storm) == 0
    on_a_terminal(storm, b"y\n", code=0)
    assert applied(storm) == MANY


def on_a_terminal(installation: CommandLine, answer: bytes, code: int) -> bytes:
    ours, theirs = open_terminal()
    command = [COMMAND, "dead", "replay"]
    process = subprocess.Popen(
        command, cwd=installation.directory, env=installation.environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while b"deliveries?" not in said:
            said += os.read(ours, 65536)
        os.write(ours, answer)
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side has closed
                break
            if not more:
                break
            said += more
        assert process.wait(PATIENCE_S) == code, said
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return said


def test_the_rate_of_a_replay(storm: CommandLine):
    """A replay is seen to go on no faster than its rate, whatever the database could do."""
    at: list[tuple[int, float]] = []

    with replaying(storm, rate=40):
        began, first = time.monotonic(), applied(storm)
        eventually(lambda: at.append((applied(storm) - first, time.monotonic() - began)) or at[-1][0] >= 40)
    assert all(number <= 40 * passed_s + 2 * 10 for number, passed_s in at)

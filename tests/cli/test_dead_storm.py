"""dead replay of many deliveries: it may be stopped at any moment, and keeps its rate."""

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
from tests.cli.test_dead import query_database, write
from tests.factories.envelopes import NOW, envelope
from tests.servers import PATIENCE_S, eventually

FAULT = "could not be projected: KeyError"
MANY = 120


@pytest.fixture
def storm(installation: CommandLine, migrated: CommandLine) -> CommandLine:
    """An installation with many dead letters that can be applied now."""
    lines = [envelope(f"{n:04}", msg_id=str(n % 50)).line() for n in range(MANY)]
    projections = project_batch(Batch("b", Header("dlr", "l" * 32, 1, len(lines), NOW), lines))
    write(installation, [projection.dead(FAULT) for projection in projections])
    return installation


@contextmanager
def replaying(installation: CommandLine, rate: int = 16) -> Iterator["subprocess.Popen[str]"]:
    """A slow replay of everything that has done a part."""
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
    ((number,),) = query_database(installation, "SELECT count(*) FROM deliveries WHERE outcome = 'applied'")
    return int(number)


def assert_a_second_run_completes(installation: CommandLine) -> None:
    """It does the rest, and nothing twice."""
    answer = installation.answer("dead", "replay", "--yes", "--rate", "10000")
    assert applied(installation) == MANY
    assert answer["done"]["applied"] <= MANY
    assert query_database(installation, "SELECT count(*), count(DISTINCT ordinal), max(ordinal) FROM deliveries") == [
        (MANY, MANY, MANY)
    ]
    assert query_database(installation, "SELECT count(*) FROM messages") == [(50,)]
    assert query_database(installation, "SELECT max(attempts), count(replayed_at) FROM dead_letters") == [(1, MANY)]


def test_an_interrupted_replay_can_be_continued(storm: CommandLine):
    """Ctrl-C: what is done stays done and is counted; the same command does the rest."""
    with replaying(storm) as process:
        process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
    done = applied(storm)
    assert 0 < done < MANY
    assert f"{done} of {MANY} were replayed" in output
    assert "Traceback" not in output
    assert_a_second_run_completes(storm)


def test_a_killed_replay_can_be_continued(storm: CommandLine):
    """kill -9: no delivery is half applied."""
    with replaying(storm) as process:
        process.kill()
    assert 0 < applied(storm) < MANY
    assert_a_second_run_completes(storm)


@pytest.mark.duration(12)
def test_a_replay_ends_when_the_database_goes_away(storm: CommandLine):
    """Exit code 3, and how many are done."""
    with replaying(storm) as process, closing(sqlite3.connect(storm.data / "seven.db", timeout=PATIENCE_S)) as other:
        other.execute("BEGIN IMMEDIATE")
        _, output = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 3
    assert f"{applied(storm)} of {MANY} were replayed" in output
    assert_a_second_run_completes(storm)


def test_on_a_terminal_it_asks(storm: CommandLine):
    """It shows the plan, asks, and shows a bar; a no changes nothing."""
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
    output = b""
    try:
        while b"deliveries?" not in output:
            output += os.read(ours, 65536)
        os.write(ours, answer)
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # on Linux: the other side has closed
                break
            if not more:
                break
            output += more
        assert process.wait(PATIENCE_S) == code, output
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return output


def test_the_rate_of_a_replay(storm: CommandLine):
    """A replay is no faster than its rate, however fast the database is."""
    samples: list[tuple[int, float]] = []

    with replaying(storm, rate=40):
        began, first = time.monotonic(), applied(storm)
        eventually(lambda: samples.append((applied(storm) - first, time.monotonic() - began)) or samples[-1][0] >= 40)
    assert all(number <= 40 * passed_s + 2 * 10 for number, passed_s in samples)

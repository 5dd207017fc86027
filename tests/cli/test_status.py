"""status: what it says at three in the morning, of real processes and of whatever is away."""

import os
import signal
import struct
import termios
from collections.abc import Iterator
from datetime import timedelta
from fcntl import ioctl
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.stats import MAX_CLOCK_WAITING
from operations.worker_info import living_workers
from tests.cli.installation import COMMAND, CommandLine
from tests.cli.terminal import open_terminal
from tests.conftest import TOKEN
from tests.factories.archive import delivered, keep
from tests.factories.envelopes import Accept, envelope
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, eventually, free_port

DLR = {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}


@pytest.fixture
def dialect() -> str:
    """One kind is enough here: `tests/store/test_row_counts.py` looks at both."""
    return "sqlite"


@pytest.fixture
def told(redis_url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "",
        "SEVEN_OVERDUE_S": "10",
        "SEVEN_SWEEP_S": "1",
    }


@pytest.fixture
def alone(tmp_path: Path, told: dict[str, str]) -> CommandLine:
    """Redis and a database, and no process of ours."""
    return CommandLine(tmp_path, **told)


@pytest.fixture
def consuming(tmp_path: Path, told: dict[str, str]) -> Process:
    return worker(tmp_path, told)


@pytest.fixture
def whole(tmp_path: Path, told: dict[str, str], consuming: Process) -> Iterator[CommandLine]:
    receiver = Receiver(tmp_path, told)
    with running(receiver, consuming, beat(tmp_path, told)):
        eventually(lambda: living_workers(told["REDIS_URL"], 3), 60)
        yield CommandLine(tmp_path, SEVEN_RECEIVER_URL=receiver.url, **told)


def grades(answer: dict[str, Any], but: tuple[str, ...] = ()) -> dict[str, str]:
    return {one["name"]: one["grade"] for one in answer["checks"] if one["grade"] != "good" and one["name"] not in but}


def wrong(answer: dict[str, Any]) -> dict[str, str]:
    """What is wrong, with what to type next."""
    return {one["name"]: one["cure"] for one in answer["checks"] if one["grade"] == "wrong"}


@pytest.mark.duration(8)
def test_all_is_well(whole: CommandLine):
    """Exit code 0, before and after a delivery; the delivery is told where it belongs."""
    unread = {"hooks": "warning"}  # no key, and nobody compares them
    eventually(lambda: grades(whole.answer("status")) == {"coming in": "warning"} | unread, 60)
    assert whole.run("send", "dlr", "--url", f"{whole.environment['SEVEN_RECEIVER_URL']}/hooks/{TOKEN}").returncode == 0
    eventually(lambda: whole.answer("status")["store"]["received"] == {"dlr": 1}, 30)
    answer = whole.answer("status")
    assert (answer["wrong"], answer["unknown"], grades(answer)) == (0, 0, unread)
    assert list(answer["redis"]["ledger"]["last_at"]) == ["dlr"]
    assert answer["store"]["changed"]["messages"] == 1
    assert [one["held"] for one in answer["workers"]] == [None]
    ended = whole.run("status")
    assert (ended.returncode, "nothing is wrong" in ended.stdout) == (0, True)
    assert TOKEN not in ended.stdout + str(answer)


def test_nobody_works(alone: CommandLine, accept: Accept):
    """No receiver, no worker, no beat: each is wrong, and says what to do; what waits is counted."""
    accept(envelope("01999999-0000-7000-8000-000000000000"))
    answer = alone.answer("status", code=1)
    assert set(wrong(answer)) == {"receiver", "workers", "beat"}
    assert all(wrong(answer).values())
    assert answer["redis"]["ledger"]["figures"]["queues"]["dlr"]["pending"] == 1


def test_what_waits_too_long(alone: CommandLine, accept: Accept, ledger: Ledger):
    """Waiting is no fault for a while, by Redis' own clock; then it is."""
    batch = accept(envelope("01999999-0000-7000-8000-000000000000"))
    assert "applied" not in wrong(alone.answer("status", code=1))
    ledger.redis.zadd(keyspace.pending("dlr"), {batch: ledger.redis.time()[0] * 1000 - 60_000})
    assert "applied" in wrong(alone.answer("status", code=1))


def test_a_beat_that_ticks_and_sends_nothing(alone: CommandLine, ledger: Ledger):
    """That it ticks is not enough: what it has not sent is named, and why where that is known."""
    now_ms = ledger.redis.time()[0] * 1000
    ledger.redis.zadd(keyspace.BEATS, {"beat": now_ms})
    ledger.redis.hset(keyspace.SENT, mapping={"sweep": f"{now_ms} 1.0", "audit": f"{now_ms - 100_000} 900.0"})
    assert "beat" not in wrong(alone.answer("status", code=1))
    ledger.redis.hset(keyspace.SENT, "sweep", f"{now_ms - 600_000} 1.0")
    (said,) = (one for one in alone.answer("status", code=1)["checks"] if one["name"] == "beat")
    assert (said["grade"], "has not sent sweep for 10 min" in said["said"]) == ("wrong", True)
    ledger.redis.rpush(CLOCK, *range(MAX_CLOCK_WAITING))
    assert wrong(alone.answer("status", code=1))["beat"] == "start a worker"


def test_what_happened_in_the_future(alone: CommandLine, accept: Accept, ledger: Ledger):
    """By a clock of Redis' that was set back: shown as what it is, and no age of zero."""
    batch = accept(envelope("01999999-0000-7000-8000-000000000000"))
    ahead_ms = ledger.redis.time()[0] * 1000 + 7_200_500
    ledger.redis.zadd(keyspace.pending("dlr"), {batch: ahead_ms})
    ledger.redis.hset(keyspace.LAST, "dlr", ahead_ms)
    ledger.redis.hset(keyspace.RETENTION, "at_ms", ahead_ms)
    ledger.redis.zadd(keyspace.BEATS, {"died": ahead_ms})
    answer = alone.answer("status", code=1)
    said = {one["name"]: (one["grade"], one["said"]) for one in answer["checks"]}
    for name in ("coming in", "applied", "retention"):
        assert said[name][0] == "warning"
        assert said[name][1].endswith("in the future by Redis' clock")
    assert "beat" in wrong(answer)
    ledger.redis.set(keyspace.RETENTION_REFUSED, "the clock of Redis is 1200 d ahead of that of the database")
    (said_of_it,) = (one for one in alone.answer("status", code=1)["checks"] if one["name"] == "retention")
    assert (said_of_it["grade"], "1200 d ahead" in said_of_it["said"]) == ("wrong", True)


@pytest.mark.duration(8)
def test_dead_and_parked(alone: CommandLine, engine: Engine):
    """A dead letter is wrong until somebody deals with it; what the vendor coins next is not."""
    now = Ledger(alone.environment["REDIS_URL"]).figures(["dlr"]).now
    keep(engine, [delivered(1, "dlr", DLR, now).dead("a fault"), delivered(2, "rcs", {}, now)])
    answer = alone.answer("status", code=1)
    assert wrong(answer)["dead letters"].endswith("dead list --outcome dead")
    assert "parked" not in grades(answer)
    assert "a fault" in alone.run("status").stdout
    assert alone.run("dead", "discard", "--outcome", "dead", "--yes").returncode == 0
    keep(engine, [delivered(3, "dlr", DLR | {"msg_id": None}, now)])
    answer = alone.answer("status", code=1)
    assert ("dead letters" in wrong(answer), grades(answer)["parked"]) == (False, "warning")


def test_silence(alone: CommandLine, engine: Engine, ledger: Ledger):
    """Nothing for more than an hour, where the same hour of yesterday brought deliveries, is wrong."""
    now = ledger.figures(["dlr"]).now
    last = int((now - timedelta(hours=2)).timestamp() * 1000)
    ledger.redis.hset(keyspace.LAST, "dlr", last)
    assert "coming in" not in grades(alone.answer("status", code=1))
    keep(engine, [delivered(n, "dlr", DLR, now - timedelta(days=1, minutes=n)) for n in range(1, 21)])
    assert "doctor" in wrong(alone.answer("status", code=1))["coming in"]


@pytest.mark.duration(8)
def test_what_the_last_audit_found(alone: CommandLine, ledger: Ledger):
    """It is remembered, not made again; one that is old is no proof any more."""
    at = ledger.redis.time()[0]
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at}, "lost": false}}')
    assert "audit" not in grades(alone.answer("status", code=1))
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at}, "lost": true}}')
    assert wrong(alone.answer("status", code=1))["audit"].endswith("audit")
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at - 86400}, "lost": false}}')
    assert "audit" in wrong(alone.answer("status", code=1))


@pytest.mark.duration(8)
def test_a_stopped_worker(whole: CommandLine, consuming: Process):
    """A worker that hangs does not answer, and is missed."""
    consuming.send(signal.SIGSTOP)
    try:
        eventually(lambda: "workers" in wrong(whole.answer("status", code=1)))
    finally:
        consuming.send(signal.SIGCONT)


def test_redis_is_away(alone: CommandLine, engine: Engine):
    """Exit code 1 for the receiver, and what only Redis knows is unknown; the database is told all the same."""
    keep(engine, [delivered(1, "dlr", DLR).dead("a fault")])
    alone.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    answer = alone.answer("status", code=1)
    assert {name for name, grade in grades(answer).items() if grade == "unknown"} == {
        "coming in", "ledger", "workers", "beat, hooks, audit",
    }  # fmt: skip
    assert set(wrong(answer)) == {"receiver", "dead letters"}
    assert "a fault" in alone.run("status").stdout


def test_the_database_is_away(whole: CommandLine):
    """Exit code 3 when that is all: nothing is known to be wrong, and what Redis knows is told."""
    ended = whole.run("status", DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:1/x")
    assert (ended.returncode, "database" in ended.stdout, "hidden-word" in ended.stdout + ended.stderr) == (
        3,
        True,
        False,
    )


def test_no_tables(alone: CommandLine, tmp_path: Path):
    """Exit code 1 with the command that makes them; none is made, not even the file."""
    ended = alone.run("status", DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
    assert (ended.returncode, "migrate" in ended.stdout, (tmp_path / "other.db").exists()) == (1, True, False)


def test_it_fits_into_eighty_columns(alone: CommandLine, engine: Engine):
    """On a terminal no line is longer, and the screen is not either."""
    keep(engine, [delivered(n, "dlr", DLR).dead(f"a fault {'that is long ' * 20}{n}") for n in range(5)])
    lines = on_a_terminal(alone, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 50


def on_a_terminal(installation: CommandLine, columns: int) -> str:
    ours, theirs = open_terminal()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = installation.environment | {"TERM": "dumb", "COLUMNS": str(columns)}
    process = Popen([COMMAND, "status"], cwd=installation.directory, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while some := os.read(ours, 65536):
            said += some
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(PATIENCE_S)
    return said.decode().replace("\r\n", "\n")


@pytest.mark.duration(8)
def test_watching(alone: CommandLine, tmp_path: Path):
    """It looks again, until Ctrl-C; a script cannot watch."""
    screen = tmp_path / "watched"
    with screen.open("wb") as output:
        process = Popen([COMMAND, "status", "--watch", "1"], cwd=alone.directory, env=alone.environment, stdout=output)
    try:
        eventually(lambda: screen.read_text().count("things are wrong") >= 2, 30)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 1
    assert alone.run("status", "--watch", "1", "--json").returncode == 2

"""status, on real processes and with servers that are down."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger import keyspace
from ledger.announcements import CLOCK
from ledger.client import Ledger
from ledger.schedules import MAX_CLOCK_WAITING
from operations.worker_info import living_workers
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.factories.archive import delivered, keep
from tests.factories.envelopes import Accept, envelope
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import eventually, free_port

DLR = {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-03-29 10:00:00"}


@pytest.fixture
def dialect() -> str:
    """One dialect is enough here: `tests/store/test_row_counts.py` covers both."""
    return "sqlite"


@pytest.fixture
def environment(redis_url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "",
        "SEVEN_OVERDUE_S": "10",
        "SEVEN_SWEEP_S": "1",
    }


@pytest.fixture
def alone(tmp_path: Path, environment: dict[str, str]) -> CommandLine:
    """Redis and a database, and no process of ours."""
    return CommandLine(tmp_path, **environment)


@pytest.fixture
def worker_process(tmp_path: Path, environment: dict[str, str]) -> Process:
    return worker(tmp_path, environment)


@pytest.fixture
def whole(tmp_path: Path, environment: dict[str, str], worker_process: Process) -> Iterator[CommandLine]:
    receiver = Receiver(tmp_path, environment)
    with running(receiver, worker_process, beat(tmp_path, environment)):
        eventually(lambda: living_workers(environment["REDIS_URL"], 0.5), 60)
        yield CommandLine(tmp_path, SEVEN_RECEIVER_URL=receiver.url, **environment)


def grades(answer: dict[str, Any]) -> dict[str, str]:
    """The grade of each check that is not good, by name."""
    return {check["name"]: check["grade"] for check in answer["checks"] if check["grade"] != "good"}


def wrong(answer: dict[str, Any]) -> dict[str, str]:
    """The remedy of each check that is wrong, by name."""
    return {check["name"]: check["cure"] for check in answer["checks"] if check["grade"] == "wrong"}


@pytest.mark.duration(8)
def test_all_is_well(whole: CommandLine):
    """Exit code 0 before and after a delivery, which both Redis and the database count."""
    unread = {"hooks": "warning"}  # without an API key they are not compared
    eventually(lambda: grades(whole.answer("status")) == {"coming in": "warning"} | unread, 60)
    assert whole.run("send", "dlr", "--url", f"{whole.environment['SEVEN_RECEIVER_URL']}/hooks/{TOKEN}").returncode == 0
    eventually(lambda: whole.answer("status")["store"]["received"] == {"dlr": 1}, 30)
    answer = whole.answer("status")
    assert (answer["wrong"], answer["unknown"], grades(answer)) == (0, 0, unread)
    assert list(answer["redis"]["ledger"]["last_at"]) == ["dlr"]
    assert answer["store"]["changed"]["messages"] == 1
    assert [worker["held"] for worker in answer["workers"]] == [None]
    ended = whole.run("status")
    assert (ended.returncode, "nothing is wrong" in ended.stdout) == (0, True)
    assert TOKEN not in ended.stdout + str(answer)


def test_no_process_runs(alone: CommandLine, accept: Accept):
    """Receiver, workers and beat are wrong, each with a remedy; waiting batches are counted."""
    accept(envelope("01999999-0000-7000-8000-000000000000"))
    answer = alone.answer("status", code=1)
    assert set(wrong(answer)) == {"receiver", "workers", "beat"}
    assert all(wrong(answer).values())
    assert answer["redis"]["ledger"]["figures"]["queues"]["dlr"]["pending"] == 1


def test_a_batch_that_waits_too_long(alone: CommandLine, accept: Accept, ledger: Ledger):
    """Waiting is good for a while, by Redis' own clock, and wrong after it."""
    batch = accept(envelope("01999999-0000-7000-8000-000000000000"))
    assert "applied" not in wrong(alone.answer("status", code=1))
    ledger.redis.zadd(keyspace.pending("dlr"), {batch: ledger.redis.time()[0] * 1000 - 60_000})
    assert "applied" in wrong(alone.answer("status", code=1))


def test_a_beat_that_ticks_and_sends_nothing(alone: CommandLine, ledger: Ledger):
    """Its check names the task that it has not sent, and the reason where that is known."""
    now_ms = ledger.redis.time()[0] * 1000
    ledger.redis.zadd(keyspace.BEATS, {"beat": now_ms})
    ledger.redis.hset(keyspace.SENT, mapping={"sweep": f"{now_ms} 1.0", "audit": f"{now_ms - 100_000} 900.0"})
    assert "beat" not in wrong(alone.answer("status", code=1))
    ledger.redis.hset(keyspace.SENT, "sweep", f"{now_ms - 600_000} 1.0")
    (check,) = (check for check in alone.answer("status", code=1)["checks"] if check["name"] == "beat")
    assert (check["grade"], "has not sent sweep for 10 min" in check["said"]) == ("wrong", True)
    ledger.redis.rpush(CLOCK, *range(MAX_CLOCK_WAITING))
    assert wrong(alone.answer("status", code=1))["beat"] == "start a worker"


def test_times_in_the_future(alone: CommandLine, accept: Accept, ledger: Ledger):
    """After Redis' clock was set back, an earlier time is shown as in the future, not as an age of zero."""
    batch = accept(envelope("01999999-0000-7000-8000-000000000000"))
    ahead_ms = ledger.redis.time()[0] * 1000 + 7_200_500
    ledger.redis.zadd(keyspace.pending("dlr"), {batch: ahead_ms})
    ledger.redis.hset(keyspace.LAST, "dlr", ahead_ms)
    ledger.redis.hset(keyspace.RETENTION, "at_ms", ahead_ms)
    ledger.redis.zadd(keyspace.BEATS, {"died": ahead_ms})
    answer = alone.answer("status", code=1)
    checks = {check["name"]: (check["grade"], check["said"]) for check in answer["checks"]}
    for name in ("coming in", "applied", "retention"):
        assert checks[name][0] == "warning"
        assert checks[name][1].endswith("in the future by Redis' clock")
    assert "beat" in wrong(answer)
    ledger.redis.set(keyspace.RETENTION_REFUSED, "the clock of Redis is 1200 d ahead of that of the database")
    (check,) = (check for check in alone.answer("status", code=1)["checks"] if check["name"] == "retention")
    assert (check["grade"], "1200 d ahead" in check["said"]) == ("wrong", True)


@pytest.mark.duration(8)
def test_dead_and_parked(alone: CommandLine, engine: Engine):
    """A dead letter is wrong until an operator handles it; a new event type of the vendor is not."""
    now = Ledger(alone.environment["REDIS_URL"]).figures(["dlr"]).now
    keep(engine, [delivered(1, "dlr", DLR, now).dead("a fault"), delivered(2, "mms", {}, now)])
    answer = alone.answer("status", code=1)
    assert wrong(answer)["dead letters"].endswith("dead list --outcome dead")
    assert "parked" not in grades(answer)
    assert "a fault" in alone.run("status").stdout
    assert alone.run("dead", "discard", "--outcome", "dead", "--yes").returncode == 0
    keep(engine, [delivered(3, "dlr", DLR | {"msg_id": None}, now)])
    answer = alone.answer("status", code=1)
    assert ("dead letters" in wrong(answer), grades(answer)["parked"]) == (False, "warning")


def test_no_deliveries_come_in(alone: CommandLine, engine: Engine, ledger: Ledger):
    """An hour without deliveries is wrong where the same hour of yesterday brought some."""
    now = ledger.figures(["dlr"]).now
    last = int((now - timedelta(hours=2)).timestamp() * 1000)
    ledger.redis.hset(keyspace.LAST, "dlr", last)
    assert "coming in" not in grades(alone.answer("status", code=1))
    keep(engine, [delivered(n, "dlr", DLR, now - timedelta(days=1, minutes=n)) for n in range(1, 21)])
    assert "doctor" in wrong(alone.answer("status", code=1))["coming in"]


@pytest.mark.duration(8)
def test_the_last_audit(alone: CommandLine, ledger: Ledger):
    """status shows its stored result and runs none; an old result proves nothing any more."""
    at = ledger.redis.time()[0]
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at}, "lost": false}}')
    assert "audit" not in grades(alone.answer("status", code=1))
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at}, "lost": true}}')
    assert wrong(alone.answer("status", code=1))["audit"].endswith("audit")
    ledger.redis.set(keyspace.AUDIT, f'{{"at": {at - 86400}, "lost": false}}')
    assert "audit" in wrong(alone.answer("status", code=1))


@pytest.mark.duration(8)
def test_a_stopped_worker(whole: CommandLine, worker_process: Process):
    """A worker that hangs does not answer, and counts as missing."""
    worker_process.send(signal.SIGSTOP)
    try:
        eventually(lambda: "workers" in wrong(whole.answer("status", code=1)))
    finally:
        worker_process.send(signal.SIGCONT)


def test_redis_is_unreachable(alone: CommandLine, engine: Engine):
    """Exit code 1 for the receiver; what only Redis knows is unknown, and the database is shown all the same."""
    keep(engine, [delivered(1, "dlr", DLR).dead("a fault")])
    alone.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    answer = alone.answer("status", code=1)
    assert {name for name, grade in grades(answer).items() if grade == "unknown"} == {
        "coming in", "ledger", "workers", "beat, hooks, audit",
    }  # fmt: skip
    assert set(wrong(answer)) == {"receiver", "dead letters"}
    assert "a fault" in alone.run("status").stdout


def test_the_database_is_unreachable(whole: CommandLine):
    """Exit code 3 if that is all, since nothing is known to be wrong; the password is not shown."""
    ended = whole.run("status", DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:1/x")
    assert (ended.returncode, "database" in ended.stdout) == (3, True)
    assert "hidden-word" not in ended.stdout + ended.stderr


def test_no_tables(alone: CommandLine, tmp_path: Path):
    """Exit code 1 with the command that creates them; status creates nothing, not even the file."""
    ended = alone.run("status", DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
    assert (ended.returncode, "migrate" in ended.stdout, (tmp_path / "other.db").exists()) == (1, True, False)


def test_send_is_suggested_only_where_it_would_arrive(alone: CommandLine):
    """Before the first delivery, without a receiver that answers from here, `send` is not suggested."""
    (check,) = [check for check in alone.answer("status", code=1)["checks"] if check["name"] == "coming in"]
    assert check["grade"] == "warning"
    assert check["cure"].endswith("seven-ingest hooks plan")


def test_more_replicas_than_configured_are_reported(whole: CommandLine):
    """In compose `status` counts receivers and this machine's workers; bare, .env says nothing of them."""
    whole.environment |= {"INGEST_REPLICAS": "3", "WORKER_REPLICAS": "0"}
    checks = whole.answer("status")["checks"]
    replicas = [check["said"] for check in checks if check["name"] == "replicas"]
    assert replicas == ["1 of 3 receivers run here"]  # the worker of this test names another machine

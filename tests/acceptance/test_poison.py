"""Poison and stalls, with real workers: garbage in the broker stops no worker, and a stalled worker ends itself."""

import base64
import json
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine, select

from ledger.announcements import announce, broker
from ledger.client import Ledger
from ledger.schedules import MAX_CLOCK_WAITING
from seven.events import QUEUES
from store.schema import deliveries
from tests.extent import thorough
from tests.factories.envelopes import Accept, envelope
from tests.processes import beat, running, worker
from tests.servers import PATIENCE_S, eventually
from workers.watchdog import EXIT_CODE, Watchdog


def message(**changes: object) -> str:
    """An announcement as Celery writes it, with `changes`."""
    body = base64.b64encode(json.dumps([[["batch-0"]], {}, {}]).encode()).decode()
    whole = {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "consume.dlr", "id": "1", "root_id": "1", "argsrepr": "", "kwargsrepr": ""},
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "dlr"},
            "body_encoding": "base64",
            "delivery_tag": "1",
        },
    }
    return json.dumps(whole | changes)


GARBAGE = [
    pytest.param(b"\xff\x00 no JSON", id="bytes"),
    pytest.param("[" * 100_000, id="deep JSON"),
    pytest.param("1" * 5000, id="a huge number"),
    pytest.param('{"__type__": "nope", "__value__": 1}', id="an unknown type"),
    pytest.param('{"__type__": "datetime", "__value__": "x"}', id="an invalid time"),
    pytest.param("17", id="a number"),
    pytest.param("{}", id="an empty object"),
    pytest.param(message(body="!!!"), id="a body that is not base64"),
    pytest.param(message(body=base64.b64encode(b"\xff{").decode()), id="a body that is not JSON"),
    pytest.param(message(body=base64.b64encode(b'{"a": 1}').decode()), id="a body of another protocol"),
    pytest.param(message(body=base64.b64encode(b"[[[1, null]], {}, {}]").decode()), id="invalid ids"),
    pytest.param(message(properties={}), id="no properties"),
    pytest.param(message(headers=None), id="no headers"),
    pytest.param(message(headers={"task": "consume.nothing", "id": "1"}), id="an unknown task"),
    pytest.param(message(**{"content-type": "application/x-python-serialize"}), id="a pickle"),
]


@pytest.mark.parametrize("together", [GARBAGE])
def test_garbage_on_a_queue_stops_no_worker(
    tmp_path: Path,
    redis_url: str,
    ledger: Ledger,
    engine: Engine,
    database_url: str,
    accept: Accept,
    together: list[object],
):
    """Each kind is logged, discarded for good, and the announcement behind it is consumed."""
    environment = {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    process = worker(tmp_path, environment)
    app = Celery(set_as_current=False, changes=broker(redis_url))

    def applied() -> set[str]:
        with engine.connect().execution_options(reads=True) as connection:
            return set(connection.execute(select(deliveries.c.id)).scalars())

    for tag in ("t1", "t2"):  # reserved long ago
        ledger.redis.hset("unacked", tag, GARBAGE[0].values[0] if tag == "t1" else '["x", 1]')
        ledger.redis.zadd("unacked_index", {tag: 1})
    with running(process):
        for number, garbage in enumerate(GARBAGE):
            ledger.redis.lpush("dlr", garbage.values[0])
            batch = accept(envelope(f"behind {number}"))
            announce(app, "dlr", [batch])
            eventually(lambda number=number: f"behind {number}" in applied(), 60)
            assert process.process
            assert process.process.poll() is None
        eventually(lambda: ledger.redis.hlen("unacked") == 0)
        assert process.end() == 0
    log = process.log.read_text()
    assert log.count("thrown away") >= 5
    assert "Unrecoverable error" not in log


def has_stopped_consuming(app: Celery) -> bool:
    """Whether a worker that is alive reports that it does not consume this queue."""
    answers = app.control.inspect(timeout=5).active_queues() or {}
    return any("dlr" not in {queue["name"] for queue in queues} for queues in answers.values())


@pytest.mark.duration(12)
@pytest.mark.parametrize("dialect", ["sqlite"])  # the stall is on the broker's side
def test_a_worker_that_stalls_ends_itself(
    tmp_path: Path, redis_url: str, ledger: Ledger, engine: Engine, database_url: str, accept: Accept
):
    """A worker that answers pings but consumes nothing ends itself and consumes after a restart."""
    environment = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_STALL_S": "6", "SEVEN_SWEEP_S": "3600"}
    process = worker(tmp_path, environment, through=("tests.acceptance.stalling_process",))
    app = Celery(set_as_current=False, changes=broker(redis_url))
    with running(process):
        announce(app, "dlr", [accept(envelope("one"))])
        eventually(lambda: ledger.redis.hlen("seven:batches") == 0, 60)
        app.control.cancel_consumer("dlr")
        eventually(lambda: has_stopped_consuming(app), 60)
        assert process.process
        assert process.process.poll() is None
        announce(app, "dlr", [accept(envelope("two"))])
        assert process.process.wait(PATIENCE_S) == EXIT_CODE
        assert "stalled" in process.log.read_text()
        process.start()
        eventually(lambda: ledger.redis.hlen("seven:batches") == 0, 60)
        assert process.end() == 0


def test_the_watchdog_ignores_everything_but_stalls(ledger: Ledger):
    """An empty queue, a starting or ending task, a long task, a dead Redis and a frozen machine are no stalls."""
    ended: list[int] = []
    queues = ["dlr", "sms_mo"]
    watchdog = Watchdog(ledger.redis, 10, lambda _, code: ended.append(code), checks=3)
    away = Watchdog(Ledger("redis://127.0.0.1:1/0").redis, 10, lambda _, code: ended.append(code), checks=3)

    def check(times: int, at: Watchdog = watchdog) -> list[int]:
        for _ in range(times):
            at.check(queues)
        return ended

    assert not check(9)  # empty
    ledger.redis.lpush("sms_mo", "x")
    assert not check(3)  # a machine frozen between two checks: only the number of checks counts
    watchdog.reset()
    assert not check(3)
    with watchdog.paused():
        assert not check(9)
    assert not check(9, away)
    assert check(4) == [EXIT_CODE]


@thorough
@pytest.mark.duration(12)
def test_announcements_of_a_million_batches_are_bounded(tmp_path: Path, redis_url: str, ledger: Ledger):
    """With a clock and no consumer the broker's queue stays as short as after the first passes."""
    for first in range(0, 1_000_000, 2_000):  # small scripts, for slow machines
        ledger.redis.eval(
            "for i = 1, 2000 do redis.call('ZADD', KEYS[1], i, 'batch-' .. ARGV[1] + i) end",
            1,
            "seven:announced:dlr",
            first,
        )
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_SWEEP_S": "0.2",
        "SEVEN_SWEEP_LIMIT": "1000",
        "SEVEN_WORKER_THREADS": "1",  # so that passes do not overlap
    }
    process, clock = worker(tmp_path, environment), beat(tmp_path, environment)
    process.command += ["-Q", "clock"]
    lengths: list[int] = []

    def passes() -> int:
        """The number of passes of the sweep; each runs a script for every queue."""
        lengths.append(ledger.redis.llen("dlr"))
        return int(ledger.redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]) // len(QUEUES)

    ledger.redis.config_resetstat()
    with running(process, clock):
        eventually(lambda: passes() >= 20, 120)
    assert 0 < max(lengths) <= 2 * (1000 // 32 + 1)
    assert ledger.redis.zcard("seven:announced:dlr") == 1_000_000


def test_a_clock_without_workers_is_bounded(tmp_path: Path, redis_url: str, ledger: Ledger):
    """Without a worker beat's queue stays bounded; a worker whose clock is an hour ahead still sweeps."""
    environment = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_SWEEP_S": "0.05",
        "SEVEN_OVERDUE_S": "10",
    }
    clock, ahead = (
        beat(tmp_path, environment),
        worker(tmp_path, environment, through=("tests.chaos.clock_skew", "3600")),
    )
    ahead.command += ["-Q", "clock"]
    ledger.redis.zadd("seven:announced:dlr", {"long ago": 1})
    with running(clock):
        eventually(lambda: ledger.redis.llen("clock") >= MAX_CLOCK_WAITING, 60)
        sent = ledger.redis.llen("clock")
        eventually(lambda: int(ledger.redis.info("commandstats")["cmdstat_llen"]["calls"]) > 200, 60)
        assert ledger.redis.llen("clock") == sent == MAX_CLOCK_WAITING
        with running(ahead):
            eventually(lambda: ledger.redis.llen("dlr") > 0, 60)

"""Reactions on real processes: the last standing of every record reaches every subscriber that lives."""

import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, select

from ledger.announcements import REACTIONS
from store.schema import messages
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.extent import thorough_on_sqlite
from tests.factories.changes import write
from tests.processes import Process, dispatcher, running, worker
from tests.servers import eventually

STATUSES = ("TRANSMITTED", "ACCEPTED", "BUFFERED", "DELIVERED", "NOTDELIVERED", "EXPIRED")


def environment(redis_url: str, database_url: str, **more: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_METRICS_ADDRESS": "off", **more}


def standings(engine: Engine) -> dict[str, str]:
    with engine.connect().execution_options(reads=True) as connection:
        return {row.msg_id: row.status for row in connection.execute(select(messages.c.msg_id, messages.c.status))}


class Business:
    """Messages whose statuses arrive in any order, some twice."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine, self._chance, self._number = engine, random.Random(seed), 1000 * seed
        self._sent_at = datetime.now(UTC).replace(microsecond=0)

    def report(self, messages: int = 20) -> None:
        batch = []
        for _ in range(messages):
            self._number += 1
            for status in self._chance.sample(STATUSES, 3):
                second = self._chance.randint(0, 60)
                report = {
                    "msg_id": str(self._number),
                    "status": status,
                    "timestamp": int(self._sent_at.timestamp()) - second,
                }
                batch += [("dlr", report)] * self._chance.choice((1, 1, 2))
        self._chance.shuffle(batch)
        write(self._engine, [batch[start : start + 5] for start in range(0, len(batch), 5)], sent_at=self._sent_at)


def moods(chance: random.Random) -> Callable[[str], int]:
    """Refuses one in four, but none more than twice: after five times the next attempt is minutes away."""
    refused: Counter[str] = Counter()

    def answer(change_id: str) -> int:
        refused[change_id] += (refuses := refused[change_id] < 2 and chance.random() < 0.25)
        return 500 if refuses else 204

    return answer


@pytest.mark.duration(30)
@thorough_on_sqlite
def test_the_last_standing_arrives_whatever_is_killed(
    engine: Engine, database_url: str, redis_url: str, tmp_path: Path
):
    """Dispatchers die at random moments; a target refuses one in four, one is slow."""
    good, slow = Subscriber("good"), Subscriber("slow", lambda _: time.sleep(0.05) or 204)
    moody = Subscriber("moody", moods(random.Random(7)))
    with serving(good, slow, moody):
        more = "timeout_s = 1"
        file = write_file(tmp_path, good, slow, moody, more=more)
        process = dispatcher(tmp_path, environment(redis_url, database_url, SEVEN_REACTIONS_FILE=str(file)))
        business = Business(engine, seed=11)
        with running(process):
            begin(engine)
            for _ in range(2):
                business.report()
                process.send(signal.SIGKILL)
                process.end(signal.SIGKILL)
                process.start()
            expected = standings(engine)
            eventually(lambda: good.standings() == slow.standings() == moody.standings() == expected, within_s=120)
    for each in (good, slow, moody):
        ids: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        for change in [*each.received, *each.refused]:
            ids[change["data"]["msg_id"], change["sequence"]].add(change["id"])
        assert {len(of_one) for of_one in ids.values()} == {1}  # however often it came
        assert len(set[str]().union(*ids.values())) == len(ids)


@pytest.mark.duration(13)
def test_a_hanging_target_delays_no_other(engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """And a real worker announces what changes: the good target has it at once."""
    good, hanging = Subscriber("good"), Subscriber("hanging", lambda _: time.sleep(30) or 500)
    with serving(good, hanging):
        file = write_file(tmp_path, good, hanging, more="timeout_s = 5")
        settings = environment(redis_url, database_url)
        process = dispatcher(tmp_path, settings | {"SEVEN_REACTIONS_FILE": str(file)})
        with running(process):
            begin(engine)
            process.wait_until_logged("ready")
            for _ in range(10):
                number = len(good.received)
                Business(engine, seed=number).report(5)
                eventually(lambda: good.standings() == standings(engine), within_s=10)
            assert not hanging.received


@pytest.fixture
def queued(redis_url: str) -> Iterator["Redis"]:
    redis = Redis.from_url(redis_url)
    yield redis
    redis.close()


def test_an_ordinary_worker_leaves_the_queue_alone(database_url: str, redis_url: str, queued: "Redis", tmp_path: Path):
    """It takes every other declared queue."""
    process = worker(tmp_path, environment(redis_url, database_url))
    with running(process):
        process.wait_until_logged("ready")
        queued.lpush(REACTIONS, b"anything")
        queued.lpush("dlr", b"anything")
        eventually(lambda: not queued.llen("dlr"))
        assert queued.llen(REACTIONS) == 1
        assert process.end() == 0


def test_it_consumes_nothing_else(database_url: str, redis_url: str, tmp_path: Path):
    process = dispatcher(tmp_path, environment(redis_url, database_url))
    process.command[process.command.index(REACTIONS)] = f"{REACTIONS},dlr"
    assert ended(process) == (2, ["-Q reactions,dlr: reactions is for a worker of its own"])


def test_a_broken_file_ends_it(database_url: str, redis_url: str, tmp_path: Path):
    """With 2, and a line for each fault; so does none."""
    file = tmp_path / "reactions.toml"
    file.write_text('[[reaction]]\nname = "a"\non = ["message.faild"]\ncall = "nowhere:f"\n')
    process = dispatcher(tmp_path, environment(redis_url, database_url, SEVEN_REACTIONS_FILE=str(file)))
    code, lines = ended(process)
    assert code == 2
    assert lines == [
        "reaction a, on: no topic is named 'message.faild'; message.failed is",
        "reaction a, call: its module cannot be imported: ModuleNotFoundError nowhere",
    ]
    process = dispatcher(tmp_path, environment(redis_url, database_url), "without")
    code, lines = ended(process)
    assert (code, lines[0].split(":")[0]) == (2, "SEVEN_REACTIONS_FILE is not set")


def ended(process: Process) -> tuple[int, list[str]]:
    """Its exit code, and what it wrote that is no log."""
    with running(process):
        eventually(lambda: process.process is not None and process.process.poll() is not None)
        assert process.process is not None
        code = process.process.poll()
        assert code is not None
    lines = process.log.read_text().splitlines()
    return code, [line for line in lines if not line.startswith("20")]

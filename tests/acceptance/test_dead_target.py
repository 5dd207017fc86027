"""A target that is dead for a week: what waits for it is bounded and hurts nobody, and it has everything once it is back."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, Interval, Table, func, literal, select, update

from store.outbox import Outbox
from store.schema import changes, notifications, reactions
from store.types import Time
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.acceptance.test_reactions import environment, standings
from tests.extent import thorough
from tests.factories.changes import write
from tests.processes import ROOT, dispatcher, running
from tests.servers import eventually

WAITING = 100_000
STEP = timedelta(hours=12)
STEPS = 14
OF_A_STEP = 100
PATIENCE_S = 600


@contextmanager
def outbox_of(engine: Engine) -> Iterator[Outbox]:
    outbox = Outbox(engine)
    try:
        yield outbox
    finally:
        outbox.close()


def report(engine: Engine, first: int, messages: int) -> float:
    """Let reports of new messages arrive; returns the seconds that it took to write them."""
    sent_at = datetime.now(UTC).replace(microsecond=0)
    reports = [
        ("dlr", {"msg_id": str(number), "status": "DELIVERED", "timestamp": int(sent_at.timestamp())})
        for number in range(first, first + messages)
    ]
    batches = [reports[start : start + 500] for start in range(0, messages, 500)]
    began = time.monotonic()
    write(engine, batches, sent_at=sent_at)
    return time.monotonic() - began


def age(outbox: Outbox, by: timedelta) -> None:
    """Let time pass: every time that the outbox keeps moves into the past."""
    for table in (changes, reactions):
        with outbox.engine.begin() as connection:
            _age(connection, table, by)
    outbox.transact(lambda connection, _: _age(connection, notifications, by))


def _age(connection: Connection, table: Table, by: timedelta) -> None:
    times = [column for column in table.c if isinstance(column.type, Time)]
    if connection.dialect.name == "postgresql":
        connection.execute(update(table).values({column: column - literal(by, Interval) for column in times}))
        return
    days = f"-{by.total_seconds() / 86400} days"  # SQLite has milliseconds only; the format stays as wide
    earlier = {column: func.strftime("%Y-%m-%d %H:%M:%f000+00:00", column, days) for column in times}
    connection.execute(update(table).values(earlier))


def command(settings: dict[str, str], *words: str) -> None:
    process = [str(Path(sys.executable).with_name("seven-ingest")), "reactions", *words]
    ran = subprocess.run(
        process, cwd=ROOT, env=settings, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def numbers(outbox: Outbox, reaction: str) -> dict[str, int]:
    """How many notifications of a subscriber there are, by state."""

    def count(connection: Connection, _: datetime) -> dict[str, int]:
        query = select(notifications.c.state, func.count()).where(notifications.c.reaction == reaction)
        rows: Any = connection.execute(query.group_by(notifications.c.state))
        return dict(rows.all())

    return outbox.transact(count, reads=True)


def state(engine: Engine, reaction: str) -> str | None:
    with engine.connect().execution_options(reads=True) as connection:
        return connection.execute(select(reactions.c.state).where(reactions.c.name == reaction)).scalar()


@thorough
def test_a_target_is_dead_for_a_week(engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """After three days it is paused, and what has waited for so long expires, until a person has it all sent."""
    is_dead, probed = True, list[str]()

    def answer(change_id: str) -> int:
        if not is_dead:
            return 204
        probed.append(change_id)
        return 500

    good, dead = Subscriber("good"), Subscriber("dead", answer)
    with serving(good, dead), outbox_of(engine) as outbox:
        settings = environment(redis_url, database_url) | {
            "SEVEN_REACTIONS_FILE": str(write_file(tmp_path, good, dead, more="concurrency = 8"))
        }
        with running(dispatcher(tmp_path, settings)):
            begin(engine)
            alone_s = report(engine, 0, WAITING) / WAITING
            eventually(lambda: len(good.received) == WAITING, within_s=PATIENCE_S)
            beside_s = []
            for step in range(STEPS):
                beside_s.append(report(engine, WAITING + step * OF_A_STEP, OF_A_STEP) / OF_A_STEP)
                eventually(lambda step=step: len(good.received) == WAITING + (step + 1) * OF_A_STEP, within_s=60)
                assert sum(numbers(outbox, "dead").values()) == WAITING + (step + 1) * OF_A_STEP
                age(outbox, STEP)
            print(f"written alone {alone_s * 1e6:.0f} µs each, beside {1e6 * median(beside_s):.0f} µs")
            assert median(beside_s) < 5 * alone_s  # in one run, with room for what else the machine does
            eventually(lambda: state(engine, "dead") == "paused", within_s=PATIENCE_S)
            eventually(lambda: numbers(outbox, "dead")["expired"] >= WAITING, within_s=PATIENCE_S)
            assert 0 < len(probed) < WAITING / 100
            is_dead = False
            began = time.monotonic()
            command(settings, "resume", "dead")
            command(settings, "retry", "dead", "--yes", "--rate", "5000")
            eventually(lambda: len(dead.received) >= WAITING + STEPS * OF_A_STEP, within_s=PATIENCE_S, every_s=1)
            print(f"drained in {time.monotonic() - began:.0f} s")
            assert dead.standings() == standings(engine)
            everything = {"sent": WAITING + STEPS * OF_A_STEP}
            eventually(lambda: numbers(outbox, "dead") == everything)  # settled just after the answer

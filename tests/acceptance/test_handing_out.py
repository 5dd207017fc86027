"""Handing out on real processes: what a backlog and a newer file of reactions do to what is sent."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from seven.records import Message
from store.row_writer import Store
from store.schema import changes, reactions
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.factories.changes import write
from tests.processes import dispatcher, running
from tests.servers import eventually

BACKLOG = 30_000
MESSAGES = 10


def environment(redis_url: str, database_url: str, file: Path) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_REACTIONS_FILE": str(file),
    }


@pytest.mark.duration(15)
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_backlog_is_sent_while_it_is_handed_out(engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """After an outage: the first request comes while most still waits to be handed out."""
    left: list[int] = []
    shop = Subscriber("shop", lambda _: left.append(not_handed_out(engine)) or 204)
    with serving(shop):
        process = dispatcher(tmp_path, environment(redis_url, database_url, write_file(tmp_path, shop)))
        with running(process):
            begin(engine)
            process.end()
            put_backlog(engine)
            process.start()
            eventually(lambda: left)
    assert left[0] > 0


def not_handed_out(engine: Engine) -> int:
    query = select(func.count()).where(changes.c.fanned_out_at.is_(None))
    with engine.connect().execution_options(reads=True) as connection:
        return connection.execute(query).scalar_one()


def put_backlog(engine: Engine) -> None:
    """Changes of one message each, of which the first stand."""
    now = datetime.now(UTC)
    first = [Message(msg_id=str(n), status="FAILED", result="failed", status_at=now) for n in range(2000)]
    Store(engine).write(first)
    rows = [
        {"topic": "message.failed", "key": str(n), "now": "FAILED", "at": now, "noted_at": now} for n in range(BACKLOG)
    ]
    with engine.begin() as connection:
        connection.execute(insert(changes), rows)


@pytest.mark.duration(15)
def test_a_dispatcher_with_an_older_file(engine: Engine, database_url: str, redis_url: str, tmp_path: Path):
    """It goes on beside one with a newer file, and nothing of the reaction that it does not know is lost."""
    shop, crm = Subscriber("shop"), Subscriber("crm")
    directories = [tmp_path / "old", tmp_path / "new"]
    for each in directories:
        each.mkdir()
    with serving(shop, crm):
        files = write_file(directories[0], shop), write_file(directories[1], shop, crm)
        old, new = (
            dispatcher(directory, environment(redis_url, database_url, file), directory.name)
            for directory, file in zip(directories, files, strict=True)
        )
        with running(old):
            begin(engine)
            old.wait_until_logged("ready")
            with running(new):
                eventually(lambda: known(engine) == {"shop", "crm"})
                begin(engine)
                for n in range(MESSAGES):
                    report = {"msg_id": str(n), "status": "FAILED", "timestamp": int(datetime.now(UTC).timestamp())}
                    write(engine, [[("dlr", report)]], sent_at=datetime.now(UTC))
                    eventually(lambda n=n: str(n) in shop.standings())
                eventually(lambda: len(crm.standings()) == MESSAGES, within_s=20)
                old.wait_until_logged("nothing is handed out here")


def known(engine: Engine) -> set[str]:
    with engine.connect().execution_options(reads=True) as connection:
        return set(connection.execute(select(reactions.c.name)).scalars())

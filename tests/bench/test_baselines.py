"""The baselines do what ours does, or a comparison with them would mean nothing."""

import asyncio
import importlib
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, func, select

from bench.baselines.tables import deliveries, messages, statuses
from bench.end_to_end import wait_until_rival_is_drained
from bench.rivals import ARQ_PYTHON, RIVALS, create_tables
from bench.servers import TOKEN, environment, running
from tests.deploy.tools import module, tool

OTHERS = 30

pytestmark = pytest.mark.duration(8)


def payload(msg_id: str, status: str, hour: int) -> dict[str, object]:
    report = {"msg_id": msg_id, "status": status, "timestamp": f"2026-11-25 {hour:02}:00:00.000000"}
    return {"data": report, "webhook_event": "dlr", "webhook_timestamp": "2026-11-25T09:00:00+01:00"}


def kept(database_url: str) -> tuple[int, dict[str, str], dict[str, int]]:
    """How many deliveries, each message's status, and how many entries its history has."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(deliveries)).scalar_one()
        standing = connection.execute(select(messages.c.msg_id, messages.c.status)).all()
        history = connection.execute(select(statuses.c.msg_id, func.count()).group_by(statuses.c.msg_id)).all()
        rows = count, dict(standing), dict(history)
    engine.dispose()
    return rows


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_writes_all_it_accepted(name: str, redis_url: str, empty_database: str, tmp_path: Path):
    """Each delivery is archived, the later status stands though it came first, and a repeat is no history."""
    module("faststream")
    rival = RIVALS[name]
    if rival.python == ARQ_PYTHON:
        tool(str(ARQ_PYTHON))
    create_tables(empty_database)
    settings = environment(redis_url, empty_database)
    receiver, consumer = rival.receiver(tmp_path, settings), rival.consumer(tmp_path, settings)
    sent = [("1", "DELIVERED", 10), ("1", "TRANSMITTED", 9), ("1", "DELIVERED", 10)]
    sent += [(str(number), "TRANSMITTED", 9) for number in range(2, 2 + OTHERS)]

    with running(receiver), httpx2.Client(base_url=receiver.url) as client:
        answers = [client.post(f"/hooks/{TOKEN}", json=payload(*report)) for report in sent]
        assert all(answer.is_success for answer in answers)
        assert len({answer.json()["id"] for answer in answers}) == len(sent)
        assert client.post("/hooks/another", json=payload("9", "DELIVERED", 9)).status_code == 404
        assert client.post(f"/hooks/{TOKEN}", json={"data": {}}).status_code == 422
        assert not rival.is_drained_at(redis_url)
        with running(consumer):
            wait_until_rival_is_drained(rival, consumer, redis_url)

    count, status_by_message, entries_by_message = kept(empty_database)
    assert count == len(sent)
    assert status_by_message == {"1": "DELIVERED"} | {str(n): "TRANSMITTED" for n in range(2, 2 + OTHERS)}
    assert entries_by_message == {"1": 2} | {str(n): 1 for n in range(2, 2 + OTHERS)}


def test_a_batch_that_comes_again_changes_nothing(empty_database: str, monkeypatch: pytest.MonkeyPatch):
    """arq and FastStream deliver at least once: an id is archived once, and a message is in a batch as often as it likes."""
    module("asyncpg")
    create_tables(empty_database)
    monkeypatch.setenv("SEVEN_HOOK_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", empty_database)
    rows = importlib.import_module("bench.baselines.rows")
    reports = [("1", "TRANSMITTED", 9), ("1", "DELIVERED", 10), ("1", "BUFFERED", 8), ("2", "TRANSMITTED", 9)]
    bodies = (json.dumps(payload(*report)) for report in reports)
    batch = [rows.Delivery(id=str(n), received_at=datetime.now(UTC), body=body) for n, body in enumerate(bodies)]

    async def write_twice() -> None:
        async with rows.open_writer() as writer:
            for part in (batch, batch[2:]):
                await writer.write(part)

    asyncio.run(write_twice())

    assert kept(empty_database) == (4, {"1": "DELIVERED", "2": "TRANSMITTED"}, {"1": 3, "2": 1})

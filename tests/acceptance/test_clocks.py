"""Clocks: real processes whose clock is wrong, or is set while they run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from ledger.stats import sent
from tests.acceptance.test_metrics import metrics, value
from tests.clocks import Clock
from tests.conftest import TOKEN
from tests.factories.aged_rows import keeping, of, retained
from tests.processes import Receiver, beat, running, worker
from tests.servers import PATIENCE_S, eventually, free_port

SENT = 'seven_beat_sent_total{task="sweep"}'


@pytest.fixture
def dialect() -> str:
    """One kind is enough here: `tests/workers/test_clock_skew.py` looks at both."""
    return "sqlite"


@pytest.fixture
def told(redis_url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1", "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip


def test_beat_goes_on_whatever_its_clock_says(tmp_path: Path, told: dict[str, str], ledger: Ledger):
    """Set ahead for a while and back, by an hour and by years: it sends, is live, and Redis knows of what it sends."""
    port, clock = free_port(), Clock()
    environment = told | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}", "SEVEN_SWEEP_S": "0.2"}
    process = beat(tmp_path, environment, through=clock.through)

    def count() -> float:
        return eventually(lambda: value(metrics(port), SENT), 60) or 0.0

    def goes_on() -> None:
        ledger.redis.delete("clock")  # no worker takes what is sent, and a beat sends no more than twenty
        before = count()
        eventually(lambda: count() >= before + 3, 30)

    with running(process):
        count()
        for ahead_s in (3600, 0, -3600, 0, 400 * 86_400, 0):
            clock.set(ahead_s)
            goes_on()
            assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        assert sent(ledger)["sweep"].age_s < 60


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(timedelta(days=-3), id="behind"),
        pytest.param(timedelta(days=3), id="ahead"),
        pytest.param(timedelta(days=-400), id="so far behind that nothing is kept as long"),
    ],
)
def test_a_receiver_of_another_day(
    tmp_path: Path, told: dict[str, str], ledger: Ledger, engine: Engine, ahead: timedelta
):
    """What happened just now is accepted, applied and kept, whatever the receiver's clock says."""
    clock = Clock()
    clock.set(ahead.total_seconds())
    receiver = Receiver(tmp_path, told, through=clock.through)
    delivery = {
        "webhook_event": "dlr",
        "data": {"msg_id": "7", "status": "DELIVERED", "timestamp": datetime.now(UTC).isoformat()},
    }
    with running(receiver, worker(tmp_path, told)):
        answer = httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=delivery, timeout=PATIENCE_S)
        assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
        (row,) = eventually(lambda: of(engine, "deliveries"), 60).values()
    assert (row.outcome, row.reason) == ("applied", None)
    assert of(engine, "messages")["7"].status == "DELIVERED"
    assert not retained(ledger, engine, keeping(payloads=90, deliveries=90)).removed
    assert of(engine, "deliveries")[row.id].payload

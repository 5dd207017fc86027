"""Real processes whose clock is wrong or changes while they run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from ledger.stats import ledger_stats
from seven.events import QUEUES
from tests.acceptance.test_metrics import metrics, value
from tests.clocks import Clock
from tests.conftest import TOKEN
from tests.factories.aged_rows import keep_days, retain, rows_of
from tests.processes import Receiver, beat, running, worker
from tests.servers import PATIENCE_S, eventually, free_port

SENT = 'seven_beat_sent_total{task="sweep"}'


@pytest.fixture
def dialect() -> str:
    """One database is enough here: `tests/workers/test_clock_skew.py` runs on both."""
    return "sqlite"


@pytest.fixture
def settings(redis_url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1", "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip


def test_beat_survives_changes_of_its_clock(tmp_path: Path, settings: dict[str, str], ledger: Ledger):
    """Its clock moves by an hour and by years, ahead and back: beat keeps sending, is live, and records it in Redis."""
    port, clock = free_port(), Clock()
    environment = settings | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}", "SEVEN_SWEEP_S": "0.2"}
    process = beat(tmp_path, environment, through=clock.through)

    def count() -> float:
        return eventually(lambda: value(metrics(port), SENT), 60) or 0.0

    def assert_sending() -> None:
        ledger.redis.delete("clock")  # no worker runs, and beat stops at twenty waiting tasks
        before = count()
        eventually(lambda: count() >= before + 3, 30)

    with running(process):
        count()
        for ahead_s in (3600, 0, -3600, 0, 400 * 86_400, 0):
            clock.set(ahead_s)
            assert_sending()
            assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        assert ledger_stats(ledger, QUEUES).sent["sweep"].age_s < 60


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(timedelta(days=-3), id="behind"),
        pytest.param(timedelta(days=3), id="ahead"),
        pytest.param(timedelta(days=-400), id="behind by more than any retention"),
    ],
)
def test_a_receiver_with_a_wrong_date(
    tmp_path: Path, settings: dict[str, str], ledger: Ledger, engine: Engine, ahead: timedelta
):
    """A current event is accepted, applied and kept, whatever the receiver's clock says."""
    clock = Clock()
    clock.set(ahead.total_seconds())
    receiver = Receiver(tmp_path, settings, through=clock.through)
    delivery = {
        "webhook_event": "dlr",
        "data": {"msg_id": "7", "status": "DELIVERED", "timestamp": datetime.now(UTC).isoformat()},
    }
    with running(receiver, worker(tmp_path, settings)):
        answer = httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=delivery, timeout=PATIENCE_S)
        assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
        (row,) = eventually(lambda: rows_of(engine, "deliveries"), 60).values()
    assert (row.outcome, row.reason) == ("applied", None)
    assert rows_of(engine, "messages")["7"].status == "DELIVERED"
    assert not retain(ledger, engine, keep_days(payloads=90, deliveries=90)).removed
    assert rows_of(engine, "deliveries")[row.id].payload

"""Retention with real processes: a worker is killed during a run, and the next run does the rest."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from ledger.client import Ledger
from operations.audit import Auditor
from seven.archive_records import ArchivedDelivery
from store.row_writer import Store
from store.schema import deliveries, tallies
from tests.extent import thorough_on_sqlite
from tests.factories.archive import delivery_id
from tests.processes import beat, running, worker
from tests.servers import eventually

ROWS, OLD = 8_000, 7_990


@pytest.mark.duration(25)
@thorough_on_sqlite
def test_a_worker_killed_during_retention(
    tmp_path: Path, engine: Engine, database_url: str, redis_url: str, ledger: Ledger
):
    """Killed between two transactions, no delivery is missing in the audit; a restart removes all old rows."""
    now = datetime.now(UTC)
    ages = [timedelta(days=400 if ordinal <= OLD else 300) for ordinal in range(1, ROWS + 1)]
    rows = [
        ArchivedDelivery(
            delivery_id(now - age, n), queue="dlr", received_at=now - age, outcome="applied", ledger="l", ordinal=n
        )
        for n, age in enumerate(ages, 1)
    ]
    for start in range(0, ROWS, 1000):
        Store(engine).write(rows[start : start + 1000])

    def left() -> int:
        with engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(deliveries)).scalar_one()

    environment = {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_RETAIN_S": "1", "SEVEN_METRICS_ADDRESS": "off",
    }  # fmt: skip
    process, clock = worker(tmp_path, environment), beat(tmp_path, environment)
    with running(process, clock):
        eventually(lambda: left() < ROWS, 60)
        process.end(signal.SIGKILL)
        between = left()
        assert 0 < between < ROWS
        (series,) = Auditor(ledger, engine).audit().earlier
        assert (series.missing, series.tallied, sum(series.rows.values())) == (0, {"removed": ROWS - between}, between)
        process.start()
        eventually(lambda: left() == ROWS - OLD, 90)
    with engine.connect() as connection:
        ranges = connection.execute(select(tallies.c.first_ordinal, tallies.c.last_ordinal)).all()
    assert [tuple(run) for run in ranges] == [(1, OLD)]

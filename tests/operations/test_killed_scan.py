"""A worker that is killed in the midst of an opt-out scan: the next one goes on from there, and adds nothing twice."""

import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from ledger import keyspace
from ledger.client import Ledger
from seven.records import InboundMessage
from store.row_writer import Store
from store.schema import opt_out_events, opt_outs
from tests.extent import thorough
from tests.factories.rows import NOON
from tests.forks import Fork
from tests.operations.killed_scan import POINTS
from tests.processes import ROOT, Process
from tests.servers import PATIENCE_S

TEXTS, STOPS = 1200, 12
AFTER = {"before a page": "0499", "page written": "0499", "position kept": "0999", "before the last position": None}
"""The position that each kill leaves behind: None once all texts were read."""


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=() if point == "page written" else thorough) for point in POINTS]
)
def test_a_killed_scan(
    point: str, engine: Engine, ledger: Ledger, redis_url: str, database_url: str, tmp_path: Path
) -> None:
    Store(engine).write(
        InboundMessage(
            f"{n:04d}", f"49151{n:08d}", None, "STOP" if n % 100 == 0 else "hello", NOON + timedelta(seconds=n),
            channel="sms",
        )
        for n in range(TEXTS)
    )  # fmt: skip
    process = Process("scan", tmp_path, [], {"REDIS_URL": redis_url, "DATABASE_URL": database_url})

    def scan(until: str) -> int:
        with process.log.open("ab") as output:
            fork = Fork(["tests.operations.killed_scan", until], ROOT, process.environment, output.fileno())
        return fork.wait(PATIENCE_S)

    assert scan(point) == -signal.SIGKILL
    assert json.loads(ledger.redis.get(keyspace.OPT_OUTS) or b"{}")["after"] == AFTER[point]
    ledger.redis.delete(keyspace.OPT_OUTS_LOCK)  # as half a minute later
    assert scan("end") == 0
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(func.count()).where(opt_outs.c.state == "out")).scalar_one() == STOPS
        assert connection.execute(select(func.count()).select_from(opt_out_events)).scalar_one() == STOPS

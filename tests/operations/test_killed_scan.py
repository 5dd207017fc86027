"""A worker that is killed in the midst of an opt-out scan: the next one goes on from there, and adds nothing twice."""

import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from ledger import keyspace
from ledger.client import Ledger
from seven.records import InboundMessage
from store.row_writer import Store
from store.schema import inbound_messages, opt_out_events, opt_outs
from tests.extent import thorough
from tests.factories.rows import NOON
from tests.forks import Fork
from tests.operations.killed_scan import POINTS
from tests.processes import ROOT, Process
from tests.servers import PATIENCE_S

TEXTS, STOPS = 1200, 12
AFTER = {
    "before a page": ("0499", 700),
    "page written": ("0499", 700),
    "position kept": ("0999", 200),
    "before the last position": (None, 0),
}
"""The position that each kill leaves behind, None once all texts were read, and how many texts the next pass reads."""


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
    with engine.begin() as connection:  # else the pass would find all of them again among what changed of late
        connection.execute(update(inbound_messages).values(changed_at=NOON))
    process = Process("scan", tmp_path, [], {"REDIS_URL": redis_url, "DATABASE_URL": database_url})

    def scan(until: str) -> int:
        with process.log.open("ab") as output:
            fork = Fork(["tests.operations.killed_scan", until], ROOT, process.environment, output.fileno())
        return fork.wait(PATIENCE_S)

    assert scan(point) == -signal.SIGKILL
    after, left = AFTER[point]
    assert json.loads(ledger.redis.get(keyspace.OPT_OUTS) or b"{}")["after"] == after
    ledger.redis.delete(keyspace.OPT_OUTS_LOCK)  # it would expire within half a minute
    assert scan("end") == 0
    assert process.log.read_text().splitlines()[-1] == str(left)
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(func.count()).where(opt_outs.c.state == "out")).scalar_one() == STOPS
        assert connection.execute(select(func.count()).select_from(opt_out_events)).scalar_one() == STOPS

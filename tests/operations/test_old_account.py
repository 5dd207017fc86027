"""An account with many old messages, and an empty database: no alarm, and bounded memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from gateway.factory import Account
from ledger import keyspace
from ledger.client import Ledger
from operations.journal_state import MOST_OPEN, JournalStates
from seven.timestamps import BERLIN
from store.schema import missed_webhooks
from tests.acceptance.weekend import peak_mib
from tests.extent import size, sized
from tests.gateway.journal_stub import JournalStub, Row, outbound
from tests.operations.journal_passes import watched
from tests.processes import ROOT

KEY = "a-secret-api-key"
MESSAGES = size(3_000, 200_000)
DAYS = 7
MOST_MIB = 200
"""Python and all our modules are 110 of them."""


class OldJournal(JournalStub):
    """A list of outbound messages of a week, each written when it is asked for."""

    def page(self, parameters: dict[str, str]) -> list[Row]:
        if parameters["list"] != "outbound":
            return []
        if "id" in parameters:
            return [self._row(MESSAGES - int(parameters["id"]))]
        offset, limit = int(parameters["offset"]), int(parameters["limit"])
        return [self._row(number) for number in range(offset, min(offset + limit, MESSAGES))]

    def _row(self, number: int) -> Row:
        """The row in this place: one in fifty has no final status."""
        at = self._began - timedelta(days=DAYS) * number / MESSAGES
        status = "TRANSMITTED" if number % 50 == 0 else "DELIVERED"
        return outbound(MESSAGES - number, status, at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S"))

    _began = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    journal = OldJournal()
    with journal.running():
        yield journal


@sized
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_an_old_account_raises_no_alarm(
    stub: JournalStub, redis_url: str, database_url: str, engine: Engine, ledger: Ledger, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    """Hooks were first seen an hour ago: not one webhook is late or missed, and what is read does not stay in memory."""
    account = Account(stub.url, KEY)
    watched(engine, account=account.identity, hours=1)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SEVEN_", "REDIS_", "DATABASE_"))} | {
        "REDIS_URL": redis_url, "DATABASE_URL": database_url, "SEVEN_API_URL": stub.url, "SEVEN_API_KEY": KEY,
    }  # fmt: skip
    with (tmp_path / "pass.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.operations.killed_pass", "end"], cwd=ROOT, env=environment, stderr=log
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0, (tmp_path / "pass.log").read_text()
    state = JournalStates(ledger.redis, account.identity).load()
    assert (state.rows, state.unwatched, state.unread) == (MESSAGES, MESSAGES, ())
    with engine.connect() as connection:
        assert connection.execute(select(missed_webhooks)).all() == []
    assert not ledger.redis.exists(keyspace.JOURNAL_MISSED)
    followed = ledger.redis.zcard(f"{keyspace.JOURNAL}:{keyspace.fingerprint(account.identity)}:open:dlr")
    assert followed == min(MESSAGES // 50, MOST_OPEN)
    with capsys.disabled():
        print(f"\n{MESSAGES} messages: {state.requests} requests, {peak} MiB")
    assert peak < MOST_MIB

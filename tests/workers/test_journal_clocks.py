"""A clock that is wrong makes no webhook missed: a pass over the journal reads nothing, and says which clocks disagree."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine

from gateway.factory import Account
from ledger.client import Ledger
from operations.backfill import JournalOffer
from operations.journal_pass import PassOptions
from operations.journal_state import JournalStates
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from tests.clocks import Clock
from tests.gateway.journal_stub import JournalStub, ago, journal_stub, outbound
from tests.operations.journal_passes import states, watched
from tests.servers import PATIENCE_S, eventually
from tests.workers.skewed_servers import *  # noqa: F403 - fixtures in place of the suite's
from tests.workers.skewed_servers import FAR_S
from workers.journal_watch import JournalWatch

KEY = "a-secret-api-key"
Wrong = Callable[[float], AbstractContextManager[None]]
"""Has a clock wrong by so many seconds for the length of a block."""


@contextmanager
def wrong_machine(ahead_s: float) -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead_s), tick=True):
        yield


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture
def watch(stub: JournalStub, ledger: Ledger, engine: Engine) -> Iterator[JournalWatch]:
    account, offer = Account(stub.url, KEY), JournalOffer(ledger, lambda _queue, _ids: None, 0, 0)
    watched(engine, account=account.identity)
    options = PassOptions(8, applies=False, projection=DEFAULT_OPTIONS)
    watch = JournalWatch(account, ledger, Store(engine), offer, options, rate=1000, every_s=3600)
    yield watch
    watch.stop(PATIENCE_S)


@pytest.fixture(params=["Redis", "the database", "the worker"])
def wrong(request: pytest.FixtureRequest, dialect: str) -> Wrong:
    """Each of the three clocks in turn."""
    if request.param == "the worker":
        return wrong_machine
    if request.param == "the database" and dialect == "sqlite":
        pytest.skip("SQLite has no clock of its own")
    clock: Clock = request.getfixturevalue("redis_clock" if request.param == "Redis" else "database_clock")

    @contextmanager
    def wrong_server(ahead_s: float) -> Iterator[None]:
        clock.set(ahead_s)
        yield
        clock.set(0)

    return wrong_server


@pytest.mark.parametrize("ahead_s", [FAR_S, -600.0])
def test_no_single_clock_makes_a_webhook_missed(
    watch: JournalWatch, stub: JournalStub, engine: Engine, ledger: Ledger, wrong: Wrong, ahead_s: float
):
    """Noted for `status`, and nothing is read; with the clocks right again the next pass judges."""
    stub.lists["outbound"] = [outbound(1, "DELIVERED", ago(days=2))]
    journal = JournalStates(ledger.redis, Account(stub.url, KEY).identity)
    with wrong(ahead_s):
        watch.look()
        eventually(lambda: journal.load().failure is not None)
        assert "ahead of that of" in (journal.load().failure or "")
    assert (stub.requests, states(engine)) == ([], {})

    def is_read() -> bool:
        ledger.redis.delete("no claim", *ledger.redis.keys("seven:journal:*:claim"))  # as a quarter of an hour later
        watch.look()
        return journal.load().ended_ms is not None

    eventually(is_read)
    assert states(engine) == {("dlr", "1", "DELIVERED"): "late"}

"""The watch begins a pass when it is time, one among all workers, and at once after a loss of the ledger."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from gateway.factory import Account
from ledger import keyspace
from ledger.client import Ledger
from operations.backfill import JournalOffer
from operations.journal_metrics import JournalMetrics
from operations.journal_pass import JournalPass, PassOptions
from operations.journal_state import JournalStates
from operations.sent_messages import SentMessages
from runtime.settings.retention import RetentionSettings
from seven.timestamps import BERLIN
from store.forgotten import NO_REGISTER
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from store.schema import sent_messages, tallies
from tests.factories.envelopes import Accept, envelope
from tests.gateway.journal_stub import JournalStub, journal_stub, outbound
from tests.servers import PATIENCE_S, eventually
from workers.journal_watch import JournalWatch

KEY = "a-secret-api-key"
NewWatch = Callable[[], JournalWatch]


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture
def account(stub: JournalStub) -> Account:
    return Account(stub.url, KEY)


@pytest.fixture
def new_watch(account: Account, ledger: Ledger, engine: Engine) -> Iterator[NewWatch]:
    watches: list[JournalWatch] = []

    def build() -> JournalWatch:
        offer = JournalOffer(ledger, lambda _queue, _ids: None, 10_000, 2**40)
        options = PassOptions(8, applies=False, projection=DEFAULT_OPTIONS)
        watches.append(JournalWatch(account, ledger, Store(engine), offer, options, rate=1000, every_s=3600))
        return watches[-1]

    yield build
    for watch in watches:
        watch.stop(PATIENCE_S)


@pytest.fixture
def ended(ledger: Ledger, account: Account) -> Callable[[], bool]:
    """Whether a pass has ended since it was asked last."""
    seen: list[int | None] = [None]

    def has_ended() -> bool:
        state = JournalStates(ledger.redis, account.identity).load()
        if state.ended_ms in (None, seen[0]):
            return False
        seen[0] = state.ended_ms
        return True

    return has_ended


def looks(watch: JournalWatch) -> bool:
    """Look, as the worker does each minute: a thread that has just done its work may not have ended."""
    watch.look()
    return True


def unclaim(ledger: Ledger) -> None:
    """As a quarter of an hour later."""
    ledger.redis.delete(*ledger.redis.keys("seven:journal:*:claim"))


def test_one_pass_among_all_workers(new_watch: NewWatch, stub: JournalStub, ended: Callable[[], bool], ledger: Ledger):
    """Of two that look at once one begins, and neither again before it is time."""
    watches = [new_watch(), new_watch()]
    for watch in watches:
        watch.look()
    eventually(ended)
    lists = [request["list"] for request in stub.requests]
    assert sorted(lists) == ["inbound", "outbound", "voice", "voice_call"]
    unclaim(ledger)
    for watch in watches:
        watch.look()
    assert len(stub.requests) == 4


def test_it_begins_again_when_it_is_time(
    new_watch: NewWatch, stub: JournalStub, ended: Callable[[], bool], ledger: Ledger, account: Account
):
    watch = new_watch()
    watch.look()
    eventually(ended)
    key = f"{keyspace.JOURNAL}:{keyspace.fingerprint(account.identity)}"
    state = json.loads(ledger.redis.get(key))
    for age_s in (4000, -100):  # so long ago, and in the future by a clock that was set back
        ledger.redis.set(key, json.dumps(state | {"ended_ms": state["ended_ms"] - age_s * 1000}))
        unclaim(ledger)
        ended()
        eventually(lambda: looks(watch) and ended())
    assert len(stub.requests) == 12


def test_a_loss_of_the_ledger_begins_one_at_once(
    new_watch: NewWatch, stub: JournalStub, ended: Callable[[], bool], ledger: Ledger, engine: Engine, accept: Accept
):
    """A new life, and a loss that an operator has acknowledged: all days are read again."""
    accept(envelope("one"))
    watch = new_watch()
    watch.look()
    eventually(ended)
    ledger.redis.hset("seven:ledger", "life", "0" * 32)
    unclaim(ledger)
    eventually(lambda: looks(watch) and ended())
    lost = {"ledger": "0", "queue": "dlr", "fate": "lost", "first_ordinal": 1, "last_ordinal": 2}
    with engine.begin() as connection:
        connection.execute(insert(tallies).values(**lost, tallied_at=datetime.now(UTC) + timedelta(seconds=1)))
    unclaim(ledger)
    eventually(lambda: looks(watch) and ended())
    since = [request["date_from"] for request in stub.requests if request["list"] == "outbound"]
    assert len(since) == 3
    assert len(set(since)) == 1


def test_a_failure_is_noted_and_tried_again(new_watch: NewWatch, stub: JournalStub, ledger: Ledger, account: Account):
    """The reason is kept for `status`, without the key; no time of a success."""
    stub.answer = lambda _request, _page: (200, b'"900"')
    watch, states = new_watch(), JournalStates(ledger.redis, account.identity)
    watch.look()
    eventually(lambda: states.load().failure is not None)
    state = states.load()
    assert state.ended_ms is None
    assert "the API key is wrong" in (state.failure or "")
    assert KEY not in (state.failure or "")
    assert {metric.name for metric in JournalMetrics(ledger.redis, account.identity).collect()} == {
        "seven_missed_webhooks"
    }


def test_a_worker_that_ends_ends_its_pass(new_watch: NewWatch, stub: JournalStub, ledger: Ledger):
    """It is no success, and the lease is free for the next."""
    reading, go_on = threading.Event(), threading.Event()

    def answer(_request: object, page: list[object]) -> list[object]:
        reading.set()
        go_on.wait(PATIENCE_S)
        return page

    stub.lists["outbound"], stub.answer = [{"id": "1", "dlr": None}], answer
    watch = new_watch()
    watch.look()
    assert reading.wait(PATIENCE_S)
    threading.Timer(0.2, go_on.set).start()
    watch.stop(PATIENCE_S)
    assert not ledger.redis.exists("seven:journal:lock")
    assert not [key for key in ledger.redis.keys("seven:journal:*") if not key.endswith(b":claim")]


def test_what_was_sent_is_kept(
    account: Account, stub: JournalStub, ledger: Ledger, engine: Engine, ended: Callable[[], bool]
):
    """Where that is set, the pass that looks for missed webhooks writes it as it reads."""
    at = (datetime.now(UTC) - timedelta(hours=5)).astimezone(BERLIN)
    stub.lists["outbound"] = [outbound(9, at=f"{at:%Y-%m-%d %H:%M:%S}")]
    offer = JournalOffer(ledger, lambda _queue, _ids: None, 10_000, 2**40)
    options = PassOptions(8, applies=False, projection=DEFAULT_OPTIONS)
    sent = SentMessages(engine, NO_REGISTER, RetentionSettings(), texts=False)
    watch = JournalWatch(account, ledger, Store(engine), offer, options, rate=1000, every_s=3600, sent=sent)
    watch.look()
    eventually(ended)
    watch.stop(PATIENCE_S)
    with engine.connect() as connection:
        row = connection.execute(select(sent_messages.c.recipient, sent_messages.c.text)).one()
    assert tuple(row) == ("49176123456789", None)


def test_it_waits_for_what_is_pending(ledger: Ledger, engine: Engine):
    """What is absent from the tables may be in the ledger."""
    journal = JournalPass(ledger, Store(engine), None, None, None)  # type: ignore[arg-type]
    assert not journal.must_wait()
    now_ms = ledger.redis.time()[0] * 1000
    ledger.redis.zadd("seven:pending:dlr", {"batch": now_ms - 14 * 60_000})
    assert not journal.must_wait()
    ledger.redis.zadd("seven:pending:dlr", {"batch": now_ms - 16 * 60_000})
    assert journal.must_wait()

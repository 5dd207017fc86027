"""The meter counts exactly the records whose last webhook never came, and only what a hook of ours should have brought."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from gateway.api import Api, GatewayUnexpected
from gateway.journal_client import JournalClient
from ledger.client import Ledger
from ledger.keyspace import fingerprint
from operations.backfill import JournalOffer
from operations.journal_pass import JournalPass, PassOptions, PassResult
from operations.journal_state import JournalStates
from seven.digest import short_digest
from store.projection_options import DEFAULT_OPTIONS
from store.row_writer import Store
from store.schema import hook_spans, missed_webhooks
from tests.factories.envelopes import Accept, envelope
from tests.gateway.journal_stub import JournalStub, Row, ago, journal_stub, outbound
from workers.consumer import Consumer

ACCOUNT = "an account"


def epoch(**span: float) -> int:
    return int((datetime.now(UTC) - timedelta(**span)).timestamp())


@pytest.fixture
def stub() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


Pass = Callable[..., PassResult]


@pytest.fixture
def make_pass(stub: JournalStub, ledger: Ledger, engine: Engine) -> Iterator[Pass]:
    """Makes a pass over the stub's journal."""
    offer = JournalOffer(ledger, lambda _queue, _ids: None, 10_000, 2**40)
    states = JournalStates(ledger.redis, ACCOUNT)
    with Api(stub.url, "key") as api:

        def run(*, applies: bool = False, at_once: bool = False) -> PassResult:
            journal = JournalPass(ledger, Store(engine), JournalClient(api, 1000), states, offer)
            options = PassOptions(8, applies, DEFAULT_OPTIONS)
            return journal.run(options, lambda: None, lambda _: None, at_once=at_once)

        yield run


def watched(engine: Engine, event_type: str = "all", filtered: str | None = None, **span: float) -> None:
    """A hook of ours was seen from so long ago until now."""
    since = datetime.now(UTC) - timedelta(**(span or {"days": 30}))
    digest = None if filtered is None else short_digest(filtered)
    with engine.begin() as connection:
        connection.execute(
            insert(hook_spans).values(
                hook_id=f"{event_type} {filtered}", account=fingerprint(ACCOUNT), event_type=event_type, filter_digest=digest, first_at=since,
                last_at=datetime.now(UTC),
            )
        )  # fmt: skip


def states(engine: Engine) -> dict[tuple[str, str, str], str]:
    c = missed_webhooks.c
    with engine.connect() as connection:
        return {tuple(key): state for *key, state in connection.execute(select(c.event_type, c.id, c.status, c.state))}  # type: ignore[misc]


@pytest.fixture
def receive(consumer: Consumer, accept: Accept) -> Callable[..., None]:
    """Receives and consumes status reports, by message id."""

    def receive_all(status: str, at: int, *ids: str) -> None:
        consumer.consume(
            "dlr", [accept(*(envelope(f"{i} {status}", msg_id=i, status=status, timestamp=at) for i in ids))]
        )

    return receive_all


def test_what_is_absent_is_late_then_missed_then_came(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Callable[..., None], ledger: Ledger
):
    """Beyond its retries by the row's own time; each is counted once, also if it comes afterwards."""
    watched(engine)
    receive("DELIVERED", epoch(hours=30), "1")
    stub.lists["outbound"] = [
        outbound(4, None, ago(hours=2)),
        outbound(3, "DELIVERED", ago(minutes=10)),
        outbound(2, "DELIVERED", ago(hours=30)),
        outbound(1, "DELIVERED", ago(hours=30)),
        outbound(5, "EXPIRED", ago(days=4)),
    ]
    assert make_pass().newly_missed == 1
    assert states(engine) == {("dlr", "2", "DELIVERED"): "late", ("dlr", "5", "EXPIRED"): "missed"}
    assert make_pass().newly_missed == 0
    assert ledger.redis.hgetall("seven:journal:missed") == {b"dlr": b"1"}

    with engine.begin() as connection:
        connection.execute(update(missed_webhooks).values(journal_at=datetime.now(UTC) - timedelta(days=3.6)))
    stub.lists["outbound"] = []
    assert make_pass().newly_missed == 1
    assert states(engine)["dlr", "2", "DELIVERED"] == "missed"
    receive("EXPIRED", epoch(days=4), "5")
    stub.lists["outbound"] = [outbound(5, "EXPIRED", ago(days=4))]
    make_pass()
    assert states(engine)["dlr", "5", "EXPIRED"] == "came"


def test_only_the_last_status_counts(make_pass: Pass, stub: JournalStub, engine: Engine, receive: Callable[..., None]):
    """An earlier status that never came is no loss: the row stands as the last one reported."""
    watched(engine)
    stub.lists["outbound"] = [outbound(7, "TRANSMITTED", ago(hours=3)), outbound(8, "TRANSMITTED", ago(hours=3))]
    make_pass()
    receive("DELIVERED", epoch(hours=2), "7")
    stub.lists["outbound"] = [outbound(7, "DELIVERED", ago(hours=2)), outbound(8, "DELIVERED", ago(hours=2))]
    make_pass()
    assert states(engine) == {("dlr", "7", "TRANSMITTED"): "came", ("dlr", "8", "DELIVERED"): "late"}


@pytest.mark.parametrize(
    ("event_type", "filtered", "span", "counts"),
    [
        ("all", None, {"days": 30}, True),
        ("dlr", None, {"days": 30}, True),
        ("sms_mo", None, {"days": 30}, False),
        ("dlr", "49151999", {"days": 30}, False),
        ("all", None, {"days": 1, "minutes": 50}, False),
        ("all", None, {"days": 2, "minutes": 70}, True),
    ],
)
def test_only_what_a_hook_should_have_brought_counts(
    make_pass: Pass, stub: JournalStub, engine: Engine, event_type: str, filtered: str | None, span: Any, counts: bool
):
    """One of its type, without a filter, that was there an hour before."""
    watched(engine, event_type, filtered, **span)
    stub.lists["outbound"] = [outbound(2, "DELIVERED", ago(days=2))]
    result = make_pass()
    assert (result.absent, result.unwatched) == ((1, 0) if counts else (0, 1))
    assert bool(states(engine)) is counts


def test_a_filter_brings_its_number(make_pass: Pass, stub: JournalStub, engine: Engine):
    watched(engine, "sms_mo", "49151999")
    for number, id_ in (("49151999", 1), ("49151000", 2)):
        row: Row = {
            "id": str(id_),
            "from": "4915123456789",
            "to": number,
            "text": "hi",
            "timestamp": ago(days=1),
            "price": 0,
        }
        stub.lists["inbound"].insert(0, row)
    make_pass()
    assert states(engine) == {("sms_mo", "1", ""): "late"}


def test_an_account_of_before_raises_no_alarm(make_pass: Pass, stub: JournalStub, engine: Engine):
    """An empty database of an account with many old messages: counted as unwatched, and not one row."""
    watched(engine, hours=1)
    stub.lists["outbound"] = [outbound(id_, "DELIVERED", ago(days=5)) for id_ in range(3000, 0, -1)]
    result = make_pass()
    assert (result.newly_missed, result.unwatched, states(engine)) == (0, 3000, {})


def test_what_others_send_counts_as_uncovered(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Callable[..., None]
):
    """Webhooks come for what is sent by http, and none for what another system sends by smpp."""
    watched(engine)
    receive("DELIVERED", epoch(days=1), "1")
    stub.lists["outbound"] = [
        outbound(3, "DELIVERED", ago(days=4), connection="smpp"),
        outbound(2, "DELIVERED", ago(days=4)),
        outbound(1, "DELIVERED", ago(days=1)),
    ]
    assert make_pass().newly_missed == 1
    assert states(engine) == {("dlr", "3", "DELIVERED"): "uncovered", ("dlr", "2", "DELIVERED"): "missed"}


@pytest.mark.parametrize("doubt", [None, "no valid signature"], ids=["parked", "quarantined"])
def test_what_was_not_applied_is_here(
    make_pass: Pass, stub: JournalStub, engine: Engine, consumer: Consumer, accept: Accept, doubt: str | None
):
    """A webhook that was parked or quarantined came, whatever became of it."""
    watched(engine)
    came = envelope("one", msg_id="7", status="" if doubt is None else "DELIVERED")
    came.doubt, came.received_at = doubt, datetime.now(UTC)
    consumer.consume("dlr", [accept(came)])
    stub.lists["outbound"] = [outbound(7, "DELIVERED", ago(days=1))]
    make_pass()
    assert states(engine) == {}


def test_a_status_that_came_late_in_the_journal_is_read_by_its_id(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Callable[..., None]
):
    """Days are read by pages once: what was not final then is followed until it is."""
    watched(engine)
    receive("TRANSMITTED", epoch(days=3), "7", "8")
    stub.lists["outbound"] = [outbound(id_, "TRANSMITTED", ago(days=3)) for id_ in (8, 7)]
    make_pass()
    stub.lists["outbound"] = [outbound(id_, "EXPIRED", ago(days=3), dlr_timestamp=ago(days=1)) for id_ in (8, 7)]
    receive("EXPIRED", epoch(days=1), "8")
    stub.requests.clear()
    stub.answer = lambda request, page: page if "id" in request else []
    make_pass()
    assert sorted(request["id"] for request in stub.requests if "id" in request) == ["7", "8"]
    assert states(engine) == {("dlr", "7", "EXPIRED"): "late"}
    stub.requests.clear()
    make_pass()
    assert [request for request in stub.requests if "id" in request] == []


def test_apply_fetches_what_is_missed_and_late(
    make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger, consumer: Consumer
):
    """What is late beyond six hours, at once after a loss; it is still counted, since its webhook did not come."""
    watched(engine)
    stub.lists["outbound"] = [outbound(2, "DELIVERED", ago(hours=5)), outbound(1, "EXPIRED", ago(days=4))]
    assert make_pass(applies=True).fetched == 1
    assert make_pass(applies=True, at_once=True).fetched == 2
    consumer.consume("dlr", [each.decode() for each in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    assert make_pass(applies=True, at_once=True).fetched == 0
    assert states(engine) == {("dlr", "2", "DELIVERED"): "late", ("dlr", "1", "EXPIRED"): "missed"}


def test_a_failure_leaves_the_next_pass_to_read_all(make_pass: Pass, stub: JournalStub, engine: Engine):
    """One list that cannot be read keeps no other from being judged; where it was read to does not move."""
    watched(engine)
    stub.lists["outbound"] = [outbound(1, "DELIVERED", ago(days=4))]
    stub.answer = lambda request, page: {} if request["list"] == "voice" else page
    with pytest.raises(GatewayUnexpected):
        make_pass()
    assert states(engine) == {("dlr", "1", "DELIVERED"): "missed"}
    stub.answer = lambda _request, page: page
    stub.requests.clear()
    make_pass()
    assert len({request["date_from"] for request in stub.requests}) == 1

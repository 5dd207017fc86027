"""The meter counts exactly the records whose last webhook never came, and only what a hook of ours should have brought."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from gateway.api import GatewayUnexpected
from ledger.client import Ledger
from store.schema import missed_webhooks
from tests.factories.envelopes import Accept, envelope
from tests.gateway.journal_stub import JournalStub, Row, ago, outbound
from tests.operations.journal_passes import Pass, epoch, states, watched
from workers.consumer import Consumer


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


def test_a_journal_that_is_behind_misses_nothing(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Callable[..., None], consumer: Consumer, accept: Accept
):
    """A later status is here, of a call by a key that was pressed; but no other end of a message in place of its own."""
    watched(engine)
    receive("DELIVERED", epoch(days=4), "1")
    receive("NOTDELIVERED", epoch(days=5), "2")
    pressed = {"id": "3", "status": "in-progress", "timestamp": epoch(days=4), "dtmf_digit": "7"}
    payload = {"webhook_event": "voice_dtmf", "data": pressed}
    consumer.consume("voice_dtmf", [accept(envelope("pressed", "voice_dtmf", payload), queue="voice_dtmf")])
    stub.lists["outbound"] = [outbound(1, "TRANSMITTED", ago(days=4)), outbound(2, "DELIVERED", ago(days=4))]
    call: Row = {"id": "3", "from": "4930", "to": "4915", "timestamp": ago(days=4), "price": "0", "duration": "0"}
    stub.lists["voice"] = [call | {"status": "ringing"}]
    assert make_pass().newly_missed == 1
    assert states(engine) == {("dlr", "2", "DELIVERED"): "missed"}


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


@pytest.mark.parametrize(("event_type", "filtered"), [("sms_mo", "49151999"), ("rcs", "shop")])
def test_a_filter_brings_its_number(make_pass: Pass, stub: JournalStub, engine: Engine, event_type: str, filtered: str):
    """Or its agent."""
    watched(engine, event_type, filtered)
    for number, id_ in ((filtered, 1), ("49151000", 2), ("another", 3)):
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

"""A pass misses nothing of the journal, whatever is odd about it, and takes no list that is gone for an empty one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine

from gateway.api import GatewayUnexpected
from ledger.client import Ledger
from operations.backfill import JournalOffer
from operations.journal_state import JournalStates
from runtime.trusted_time import ClocksDisagree
from tests.gateway.journal_stub import JournalStub, Row, ago, outbound
from tests.operations.journal_passes import ACCOUNT, Pass, epoch, states, watched
from workers.consumer import Consumer

Receive = Callable[..., None]


def incomplete(ledger: Ledger) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lists that cannot be read, and those that do not go back as far as the rows here."""
    state = JournalStates(ledger.redis, ACCOUNT).load()
    return state.unread, state.shorter


def test_an_empty_journal_is_noted(make_pass: Pass, engine: Engine, receive: Receive, ledger: Ledger):
    """Rows are here, and nothing is listed: it was switched off, or keeps a day."""
    watched(engine)
    make_pass()
    assert incomplete(ledger) == ((), ())
    receive("DELIVERED", epoch(days=2), "1", "2")
    make_pass(at_once=True)
    assert incomplete(ledger) == ((), ("dlr",))


def test_what_turned_final_just_now_is_looked_at_again(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Receive
):
    """A status of the last quarter of an hour may still come; it is not forgotten meanwhile."""
    watched(engine)
    receive("TRANSMITTED", epoch(days=3), "7")
    stub.lists["outbound"] = [outbound(7, "TRANSMITTED", ago(days=3))]
    make_pass()
    stub.answer = lambda request, page: page if "id" in request else []
    stub.lists["outbound"] = [outbound(7, "EXPIRED", ago(days=3), dlr_timestamp=ago(minutes=5))]
    make_pass()
    assert states(engine) == {}
    stub.lists["outbound"] = [outbound(7, "EXPIRED", ago(days=3), dlr_timestamp=ago(minutes=20))]
    make_pass()
    assert states(engine) == {("dlr", "7", "EXPIRED"): "late"}


def test_one_list_that_is_refused_keeps_no_other_from_being_fetched(
    make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger
):
    watched(engine)
    stub.lists["outbound"] = [outbound(1, "EXPIRED", ago(days=4))]
    stub.answer = lambda request, page: {} if request["list"] == "inbound" else page
    with pytest.raises(GatewayUnexpected):
        make_pass(applies=True)
    assert ledger.redis.zcard("seven:pending:dlr") == 1


@pytest.mark.parametrize("answer", [(404, b""), (200, b'"400"'), (403, b"")])
def test_a_pass_ends_without_the_list_that_is_gone(
    make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger, answer: Any
):
    """Also where a call was missed while it was listed, which cannot be fetched any more."""
    watched(engine)
    stub.lists["voice_call"] = [{"id": "3", "caller": "4915", "system": "4930", "time": ago(days=4)}]
    make_pass()
    stub.answer = lambda request, page: answer if request["list"] == "voice_call" else page
    assert make_pass(applies=True).fetched == 0
    assert incomplete(ledger)[0] == ("voice_call",)


@pytest.mark.parametrize(
    "odd", [{"id": "undefined"}, {"caller": ""}, {"dlr": "x\0y"}, {"dlr": "\ud800"}, {"dlr": "x" * 300}]
)
def test_an_odd_row_spoils_nothing(make_pass: Pass, stub: JournalStub, engine: Engine, odd: Row):
    """The one beside it is judged; a text that no database takes is replaced."""
    watched(engine)
    call: Row = {"id": "3", "caller": "4915", "system": "4930", "time": ago(days=1)}
    stub.lists["voice_call"] = [call | odd] if "caller" in odd else []
    stub.lists["outbound"] = [outbound(2, "DELIVERED", ago(days=4)), outbound(1, "EXPIRED", ago(days=4)) | odd]
    make_pass()
    assert states(engine)["dlr", "2", "DELIVERED"] == "missed"


def test_the_case_of_a_status_is_no_difference(make_pass: Pass, stub: JournalStub, engine: Engine, receive: Receive):
    watched(engine)
    receive("DELIVERED", epoch(days=1), "7")
    stub.lists["outbound"] = [outbound(7, "delivered", ago(days=1))]
    make_pass()
    assert states(engine) == {}


@pytest.mark.parametrize("reported", ["SENT", "sent", "Delivered"])
def test_the_case_of_a_webhook_is_no_difference(
    make_pass: Pass, stub: JournalStub, engine: Engine, receive: Receive, reported: str
):
    """RCS and WhatsApp report in lower case, and the history keeps their spelling: no webhook is missed for that."""
    watched(engine)
    receive(reported, epoch(days=4), "7")
    stub.lists["outbound"] = [outbound(7, reported.upper(), ago(days=4))]
    make_pass()
    assert states(engine) == {}


def test_apply_fetches_what_an_earlier_pass_noticed(
    make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger, consumer: Consumer
):
    """Missed in a pass that only reports, and beyond the pages of the next: fetched by id, once."""
    watched(engine)
    stub.lists["outbound"] = [outbound(1, "EXPIRED", ago(days=4))]
    make_pass()
    stub.answer = lambda request, page: page if "id" in request else []
    assert make_pass(applies=True).fetched == 1
    consumer.consume("dlr", [each.decode() for each in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    assert make_pass(applies=True).fetched == 0


def test_inbound_sms_without_an_id_are_told_apart(make_pass: Pass, stub: JournalStub, engine: Engine):
    watched(engine)
    row: Row = {"id": "0", "from": "4915", "to": "4930", "text": "a", "timestamp": ago(days=4), "price": 0}
    stub.lists["inbound"] = [row, row | {"text": "b"}]
    assert make_pass().newly_missed == 2


def test_a_clock_that_was_ahead_blinds_nobody(make_pass: Pass, stub: JournalStub, engine: Engine, ledger: Ledger):
    """What was read until a time to come counts as not read."""
    watched(engine)
    make_pass()
    journal = JournalStates(ledger.redis, ACCOUNT)
    fields: dict[str, Any] = {name: getattr(journal.load(), name) for name in journal.load().__dataclass_fields__}
    journal.save(type(journal.load())(**fields | {"read_until": "2999-01-01T00:00:00+00:00"}))
    stub.lists["outbound"] = [outbound(1, "EXPIRED", ago(days=4))]
    assert make_pass().newly_missed == 1


@pytest.mark.parametrize("ahead", [timedelta(days=30), timedelta(days=-30), timedelta(minutes=10)])
def test_no_webhook_is_missed_by_a_wrong_clock(make_pass: Pass, stub: JournalStub, engine: Engine, ahead: timedelta):
    """Nothing is read while three clocks disagree; `tests/workers/test_journal_clocks.py` sets those of the servers."""
    watched(engine)
    stub.lists["outbound"] = [outbound(1, "EXPIRED", ago(days=4))]
    with time_machine.travel(datetime.now(UTC) + ahead, tick=True), pytest.raises(ClocksDisagree):
        make_pass()
    assert (stub.requests, states(engine)) == ([], {})
    assert make_pass().newly_missed == 1


def test_an_announcement_that_fails_is_left_to_the_sweep(ledger: Ledger):
    """The batch is in the ledger: offered again it would be doubled."""
    from ledger.batch import NewBatch  # noqa: PLC0415 - used here alone

    def fail(_queue: str, _ids: Any) -> None:
        raise OSError("the broker does not answer")

    JournalOffer(ledger, fail, 10_000, 2**40).offer(NewBatch("batch", "dlr", [b"{}"], frozenset()))
    assert ledger.redis.zcard("seven:pending:dlr") == 1

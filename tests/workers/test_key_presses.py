"""Keys pressed in calls: stored only with SEVEN_KEEP_DIGITS, whoever received, consumed or replayed the delivery."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.dead_letters import Selection
from operations.replay import ReplayPlan
from operations.trace import trace_story
from seven.envelope import Envelope
from seven.events import EVENT_TYPES
from store.circuit_breaker import CircuitBreaker
from store.projection import project_batch
from store.projection_options import ProjectionOptions
from store.row_writer import Store
from tests.factories.dead_letters import batch_of, delivery, ids, letters, replayed, write
from tests.factories.envelopes import NOW
from tests.factories.rows import stored_rows
from tests.factories.traces import OTHERS, THEIRS
from tests.operations.erasures import erased
from tests.workers.dying_workers import die_over
from workers.consumer import Consumer

KEEP = ProjectionOptions(keep_digits=True)


def press(name: str, key: object = "47*11", at: int = 1777600000, **more: Any) -> Envelope:
    data = {"id": 8, "dtmf_digit": key, "timestamp": at, "status": "in-progress", "duration": 9} | more
    return Envelope(name, "voice_dtmf", NOW, "JSON", {"data": data, "webhook_event": "voice_dtmf"})


def everything(engine: Engine) -> str:
    return str(stored_rows(engine))


def digits(engine: Engine) -> list[tuple[Any, ...]]:
    return [(row[1], row[3]) for row in stored_rows(engine)["call_digits"]]


def test_a_worker_stores_no_key_of_an_older_receiver(consumer: Consumer, engine: Engine, accept: Any):
    """Neither in rows and payloads, nor in a dead letter; what it says of the call is joined."""
    bad = Envelope("bad", "voice_dtmf", NOW, "JSON", {"data": {"dtmf_digit": "47*11"}})
    raw = Envelope("raw", "voice_dtmf", NOW, "POST", b"dtmf_digit=47*11&dtmf_digit=47*12", "given twice")
    consumer.consume("parked", [accept(press("one"), press("other second", at=1777600001), bad, raw, queue="parked")])
    assert "47*1" not in everything(engine)
    assert digits(engine) == [("8", ""), ("8", "")]
    assert [row[9] for row in stored_rows(engine)["calls"]] == [9]
    assert {name: delivery(engine, name).outcome for name in ("one", "bad", "raw")} == {
        "one": "applied", "bad": "parked", "raw": "parked",
    }  # fmt: skip


def test_keys_are_stored_where_that_is_set(ledger: Ledger, engine: Engine, accept: Any):
    """5 and "5" are one key, the same key twice in a second is one press, different ones are two."""
    consumer = Consumer(ledger, Store(engine), CircuitBreaker(0.0), options=KEEP)
    presses = [press("one", 5), press("two", "5"), press("star", "*"), press("odd", "pound")]
    consumer.consume("voice_dtmf", [accept(*presses, queue="voice_dtmf")])
    assert digits(engine) == [("8", "*"), ("8", "5"), ("8", "pound")]
    assert json.loads(delivery(engine, "one").payload or "")["data"]["dtmf_digit"] == 5


def test_a_suspect_batch_is_masked_as_well(redis_url: str, consumer: Consumer, engine: Engine, accept: Any):
    """One envelope at a time, after deaths of workers."""
    batch = accept(press("one"), queue="dlr")
    die_over(redis_url, batch, 4)
    consumer.consume("dlr", [batch])
    assert "47*11" not in everything(engine)
    assert digits(engine) == [("8", "")]


def parked_by_an_older_version(engine: Engine, *envelopes: Envelope) -> None:
    known = EVENT_TYPES.pop("voice_dtmf")
    try:
        write(engine, *project_batch(batch_of(*(each.line() for each in envelopes), queue="parked")))
    finally:
        EVENT_TYPES["voice_dtmf"] = known


@pytest.mark.parametrize("key", [pytest.param("47*11", id="lesser text"), pytest.param("z47*11", id="greater text")])
def test_a_replay_masks_what_an_older_version_parked(engine: Engine, key: str):
    """The row is replaced, not joined; it keeps queue and ordinal, and says what it is about."""
    parked_by_an_older_version(engine, press("one", key), press("two", key))
    assert "47*11" in everything(engine)
    plan = ReplayPlan(engine)
    plan.add(ids(engine))
    assert plan.replayed.count("applied") == 2
    assert plan.rows["call_digits"] == {"new": 1, "changed": 0, "gone": 0}
    assert replayed(engine, Selection(outcomes=("parked",), event_types=("voice_dtmf",))).count("applied") == 2
    row = delivery(engine, "one")
    assert (row.outcome, row.queue, row.ordinal, row.record, row.subject) == (
        "applied", "parked", 1, "calls", "outbound 8",
    )  # fmt: skip
    assert "47*11" not in everything(engine)
    assert row.digest == delivery(engine, "two").digest


def test_a_replay_masks_the_dead_letter_too(engine: Engine):
    """Its envelope is replaced, and its history stays."""
    (projection,) = project_batch(batch_of(press("one").line()))
    write(engine, projection.dead("could not be projected: KeyError"))
    assert "47*11" in letters(engine)["one"].envelope
    assert replayed(engine).count("applied") == 1
    assert "47*11" not in everything(engine)
    assert (letters(engine)["one"].attempts, delivery(engine, "one").outcome) == (1, "applied")


def test_a_replay_keeps_keys_where_that_is_set(engine: Engine):
    """With the setting, what was parked becomes rows with its keys."""
    parked_by_an_older_version(engine, press("one"))
    assert replayed(engine, options=KEEP).count("applied") == 1
    assert digits(engine) == [("8", "47*11")]


def test_a_story_counts_keys_and_shows_none(ledger: Ledger, engine: Engine, accept: Any):
    """Whoever may see texts sees how many keys were pressed in a call."""
    presses = [press("one", 5), press("two", "*"), press("three", 6, at=1777600001)]
    Consumer(ledger, Store(engine), CircuitBreaker(0.0), options=KEEP).consume(
        "voice_dtmf", [accept(*presses, queue="voice_dtmf")]
    )
    with engine.connect() as connection:
        story = trace_story(connection, "8")
    assert [call["key_presses"] for call in story.calls] == [3]
    assert {row["summary"] for row in story.deliveries} == {"a key was pressed"}


def test_forgetting_a_person_forgets_their_keys(ledger: Ledger, engine: Engine, accept: Any):
    """That keys were pressed stays, one a second; keys in the calls of others stay."""
    theirs = [press(name, key, recipient=THEIRS) for name, key in (("one", 5), ("two", "*"))]
    others = press("three", 7, id=9, recipient=OTHERS)
    Consumer(ledger, Store(engine), CircuitBreaker(0.0), options=KEEP).consume(
        "voice_dtmf", [accept(*theirs, others, queue="voice_dtmf")]
    )
    assert erased(engine, ledger).left is None
    assert digits(engine) == [("8", ""), ("9", "7")]

"""Replay: deliveries that were not applied are reprocessed, repeatedly and without duplicates, in both databases."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, text

from ledger.client import Unreadable
from operations.dead_letters import Selection
from operations.replay import ReplayPlan, discard, replay
from seven.envelope import Envelope
from seven.event import EVENT_TYPES
from seven.record import Record
from seven.records import Message
from store.engine import create_store_engine
from store.projection import project_batch, unreadable
from store.row_writer import Store
from tests.factories.dead_letters import (
    batch_of,
    dead,
    delivery,
    history,
    ids,
    letters,
    replayed,
    stored,
    stored_deliveries,
    write,
)
from tests.factories.envelopes import NOW, envelope
from tests.factories.event_types import understood
from tests.factories.rows import stored_rows
from workers.consumer import Consumer


def as_message(msg_id: str) -> Iterable[Record]:
    return [Message(msg_id=msg_id, status="READ", status_at=NOW)]


def unable(msg_id: str) -> Iterable[Record]:
    raise ZeroDivisionError(msg_id)


def test_a_dead_letter_is_applied_and_kept(engine: Engine):
    """After a fix the delivery is applied, its record written, and its dead letter has the time of the replay."""
    write(engine, *dead(envelope("one"), envelope("two", msg_id="8", status="DELIVERED")))
    summary = replayed(engine)
    assert (summary.count("applied"), summary.failed) == (2, 0)
    assert [(row.outcome, row.reason, row.ordinal) for row in stored_deliveries(engine)] == [
        ("applied", None, 1),
        ("applied", None, 2),
    ]
    assert [row[0] for row in stored_rows(engine)["messages"]] == ["7", "8"]
    assert delivery(engine, "one").applied_at
    assert all(letter.replayed_at and letter.attempts == 1 for letter in letters(engine).values())
    assert ids(engine) == []


def test_a_new_event_type_applies_its_parked_deliveries(consumer: Consumer, engine: Engine, accept: Any):
    """After an upgrade with a new event type its parked deliveries become rows and keep queue and ordinal."""
    payload = {"webhook_event": "MMS", "data": {"msg_id": "5"}}
    envelopes = [Envelope(name, "mms", NOW, "JSON", payload) for name in ("one", "two")]
    consumer.consume("parked", [accept(*envelopes, Envelope("other", "fax", NOW, "JSON", {"a": 1}), queue="parked")])
    assert replayed(engine).count("parked") == 3
    with understood("mms", as_message):
        assert replayed(engine, Selection(event_types=("MMS",))).count("applied") == 2
    row = delivery(engine, "one")
    assert (row.outcome, row.event_type, row.queue, row.ordinal, row.subject) == ("applied", "mms", "parked", 1, "5")
    assert [row[0] for row in stored_rows(engine)["messages"]] == ["5"]
    assert delivery(engine, "other").outcome == "parked"
    assert letters(engine) == {}


def test_a_delivery_that_fails_again_keeps_its_history(engine: Engine):
    """Each attempt is stored with its reason; being parked today counts as a failed attempt, too."""
    with understood("mms", unable):
        parked = envelope("one", "mms", {"webhook_event": "mms", "data": {"msg_id": "5"}})
        write(engine, *project_batch(batch_of(parked.line(), queue="parked")))
        assert replayed(engine).failed == 1
    with understood("mms", lambda _: EVENT_TYPES["dlr"].nothing):  # type: ignore[attr-defined]
        assert replayed(engine).failed == 1
    assert replayed(engine).failed == 1
    reasons = ["ZeroDivisionError", "ZeroDivisionError", "AttributeError", "an event type not known here"]
    assert [attempt for attempt, _ in history(engine, "one")] == [1, 2, 3, 4]
    assert all(word in (reason or "") for word, (_, reason) in zip(reasons, history(engine, "one"), strict=True))
    letter = letters(engine)["one"]
    assert (letter.attempts, letter.reason) == (4, reasons[-1])
    assert letter.replayed_at
    assert delivery(engine, "one").outcome == "dead"
    with understood("mms", as_message):
        assert replayed(engine).count("applied") == 1
    assert (letters(engine)["one"].attempts, len(history(engine, "one"))) == (4, 4)


def refuse_status(engine: Engine, status: str) -> None:
    """Makes the database refuse this status."""
    check = f"(status <> '{status}')"
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE seven.message_statuses ADD CHECK {check}"))
            return
        connection.execute(text("DROP TABLE message_statuses"))
        columns = f"msg_id TEXT, status TEXT CHECK {check}, at TEXT, undated BOOLEAN, PRIMARY KEY (msg_id, status, at)"
        connection.execute(text(f"CREATE TABLE message_statuses ({columns})"))


def test_refused_rows_are_buried_alone(engine: Engine):
    """A delivery whose rows the database refuses fails again; the others are applied, also those inside a batch."""
    refuse_status(engine, "ODD")
    write(engine, *dead(envelope("good"), envelope("bad", status="ODD"), envelope("better", status="DELIVERED")))
    batch = stored(envelope("in it").line(), envelope("odd in it", status="ODD").line())
    write(engine, unreadable(Unreadable("whole", batch, "KeyError")))
    summary = replayed(engine)
    assert (summary.count("applied"), summary.count("dead"), dict(summary.inside)) == (3, 1, {"applied": 1, "dead": 1})
    assert {row.id: row.outcome for row in stored_deliveries(engine)} == {
        "good": "applied", "bad": "dead", "better": "applied", "whole": "applied", "in it": "applied",
        "odd in it": "dead",
    }  # fmt: skip
    assert [attempt for attempt, _ in history(engine, "bad")] == [1, 2]
    assert "refused by the database" in letters(engine)["bad"].reason
    assert "ODD" not in letters(engine)["bad"].reason
    assert letters(engine)["bad"].replayed_at
    assert (letters(engine)["odd in it"].attempts, letters(engine)["odd in it"].replayed_at) == (1, None)


def test_a_plan_predicts_the_replay_and_writes_nothing(engine: Engine):
    """It counts what would become of the deliveries, and each row that would be new or changed, once."""
    write(engine, *project_batch(batch_of(envelope("before").line())))
    write(
        engine, *dead(envelope("one", status="DELIVERED"), envelope("two", msg_id="8"), envelope("three", msg_id="8"))
    )
    write(engine, *project_batch(batch_of(b"garbage", name="g")))
    before = stored_rows(engine)
    plan = ReplayPlan(engine)
    for name in ids(engine):
        plan.add([name])
    assert stored_rows(engine) == before
    assert plan.rows == {
        "dead_letter_failures": {"new": 1, "changed": 0, "gone": 0},
        "dead_letters": {"new": 0, "changed": 4, "gone": 0},
        "deliveries": {"new": 0, "changed": 3, "gone": 0},
        "message_statuses": {"new": 2, "changed": 0, "gone": 0},
        "messages": {"new": 1, "changed": 1, "gone": 0},
    }
    assert plan.replayed == replayed(engine)


def test_concurrent_replays_equal_one(database_url: str, engine: Engine):
    """Of concurrent replays every delivery is applied once; a failure counts once for each replay at most."""
    names = [f"{n:03}" for n in range(40)]
    write(engine, *dead(*(envelope(name, msg_id=str(n % 7)) for n, name in enumerate(names))))
    write(engine, *project_batch(batch_of(b"garbage", name="g")))
    chosen = ids(engine)

    def work(turn: int) -> None:
        own = create_store_engine(database_url)
        for start in range(0, len(chosen), 5):
            replay(Store(own), chosen[start : start + 5])
        own.dispose()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    assert [row.outcome for row in stored_deliveries(engine)] == ["applied"] * 40 + ["dead"]
    assert [row.ordinal for row in stored_deliveries(engine)][:40] == [*range(1, 41)]
    assert 2 <= len(history(engine, "g-1")) <= 4


def test_a_discarded_delivery_is_kept(engine: Engine):
    """Its row keeps ordinal and reason, is no longer listed, and can still be applied."""
    write(engine, *dead(envelope("one")), *project_batch(batch_of(b"{}", envelope("two", status=None).line())))
    assert discard(Store(engine), ids(engine)) == 3
    assert discard(Store(engine), ["one"]) == 0
    assert ids(engine) == []
    assert ids(engine, Selection(outcomes=("discarded",))) == ["two", "one", "b-1"]
    row = delivery(engine, "one")
    assert (row.outcome, row.reason, row.ordinal) == ("discarded", "discarded: could not be projected: KeyError", 1)
    assert (delivery(engine, "two").reason or "").startswith("discarded: dlr: ")
    assert letters(engine)["one"].discarded_at
    write(engine, *dead(envelope("one")))  # the same again, from a batch that was never settled
    assert delivery(engine, "one").outcome == "discarded"
    assert replayed(engine, Selection(ids=("one",), outcomes=("discarded",))).count("applied") == 1
    assert delivery(engine, "one").outcome == "applied"

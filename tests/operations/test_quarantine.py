"""Quarantining: what a guard doubts is kept and nothing is made of it, until somebody who has looked releases it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from operations.dead_letters import Selection
from operations.rebuild import chunks, rebuild
from operations.replay import discard
from seven.envelope import CUT, Envelope
from seven.records import ArchivedDelivery
from store.archive import Scope
from store.projection import DIED, project_line
from store.row_writer import Store
from store.schema import deliveries
from tests.factories.dead_letters import ALL, delivery, ids, letters, replayed, write
from tests.factories.envelopes import NOW, envelope
from tests.factories.rows import kept
from workers.consumer import Consumer

DOUBT = "signature: mismatch"
REPLAYED = Selection(outcomes=("dead", "parked"))
QUARANTINED = Selection(outcomes=("quarantined",))


def doubtful(name: str = "d", source: str = "203.0.113.9", **changed: Any) -> Envelope:
    return replace(envelope(name), source=source, doubt=DOUBT, **changed)


@pytest.fixture
def quarantine(consumer: Consumer, accept: Any) -> Any:
    def put(*some: Envelope) -> None:
        consumer.consume("dlr", [accept(*some)])

    return put


def test_nothing_is_made_of_it(quarantine: Any, engine: Engine):
    """The row tells what it says and where it came from; its neighbour becomes a message as ever."""
    quarantine(doubtful(), envelope("good", msg_id="8"))
    row = delivery(engine, "d")
    assert (row.outcome, row.reason, row.source) == ("quarantined", DOUBT, "203.0.113.9")
    assert (row.event_type, row.subject, row.applied_at, row.ordinal) == ("dlr", None, None, 1)
    assert row.digest
    assert [row[0] for row in kept(engine)["messages"]] == ["8"]


def test_it_is_released_by_who_says_so(quarantine: Any, engine: Engine):
    """A replay of all that waits leaves it; one that asks for it makes of it what it says."""
    quarantine(doubtful())
    assert replayed(engine, REPLAYED).verdicts.total() == 0
    assert replayed(engine, QUARANTINED).count("applied") == 1
    row = delivery(engine, "d")
    assert (row.outcome, row.subject, row.source) == ("applied", "7", "203.0.113.9")
    assert [row[0] for row in kept(engine)["messages"]] == ["7"]


def test_what_came_well_later_is_applied(quarantine: Any, engine: Engine):
    """The same words by the gateway itself are another delivery; released after all, the doubtful one is a repeat."""
    quarantine(doubtful())
    quarantine(envelope("good"))
    before = kept(engine)["messages"]
    assert replayed(engine, QUARANTINED).count("applied") == 1
    assert kept(engine)["messages"] == before


def test_half_a_payload_stays_half(quarantine: Any, engine: Engine):
    """Of what was too large a sample is kept: nobody can release it, and it is never taken for the whole."""
    half = doubtful(payload=b"msg_id=7&status=DELIVERED&x=", reason=f"{CUT}10 bytes: 20 bytes")
    quarantine(half)
    assert delivery(engine, "d").reason == f"{CUT}10 bytes: 20 bytes; {DOUBT}"
    assert replayed(engine, QUARANTINED).count("left") == 1
    assert delivery(engine, "d").outcome == "quarantined"
    assert kept(engine)["messages"] == []


def test_bytes_that_can_be_read_are(quarantine: Any, engine: Engine):
    """What was too odd for yesterday's receiver may be none for today's."""
    quarantine(doubtful(payload=b"msg_id=7&status=DELIVERED&webhook_event=dlr", reason="neither JSON nor a form"))
    assert replayed(engine, QUARANTINED).count("applied") == 1


def test_what_one_address_sent_in_some_hours_is_discarded(quarantine: Any, engine: Engine):
    """As after a token got out: by source and by time, and nothing else with it."""
    hour = timedelta(hours=1)
    quarantine(
        doubtful("early", received_at=NOW - 5 * hour), doubtful("in"), doubtful("in2"),
        doubtful("late", received_at=NOW + 5 * hour), doubtful("else", source="198.51.100.7"),
        replace(envelope("parked", "rcs"), source="203.0.113.9"), replace(envelope("ok"), source="203.0.113.9"),
    )  # fmt: skip
    theirs = Selection(sources=("203.0.113.9",), since=NOW - hour, until=NOW + hour)
    assert sorted(ids(engine, theirs)) == ["in", "in2", "parked"]
    assert discard(Store(engine), ids(engine, theirs)) == 3
    assert delivery(engine, "in").outcome == "discarded"
    assert delivery(engine, "in").reason == f"discarded: {DOUBT}"
    assert sorted(ids(engine, ALL)) == ["early", "else", "late"]


def test_one_that_workers_died_over_is_released_by_its_id_only(engine: Engine):
    """Dead outranks quarantined; by its id somebody has said both that he trusts it and that he takes the risk."""
    died = project_line(ArchivedDelivery(id="d", queue="dlr", ordinal=1), doubtful().line()).dead(f"over it {DIED}")
    write(engine, died)
    assert replayed(engine, REPLAYED).count("left") == 1
    assert replayed(engine, Selection(ids=("d",), outcomes=("dead",)), risk=True).count("applied") == 1
    assert letters(engine)["d"].replayed_at is not None


def test_a_letter_is_not_a_way_out(engine: Engine):
    """A doubtful delivery that failed for another reason stays what it was when everything is replayed."""
    failed = project_line(ArchivedDelivery(id="d", queue="dlr", ordinal=1), doubtful().line()).dead(
        "some fault of ours"
    )
    write(engine, failed)
    told = replayed(engine, REPLAYED)
    assert (told.count("dead"), told.count("applied")) == (1, 0)
    assert delivery(engine, "d").outcome == "dead"


def test_what_a_forgery_changed_is_folded_anew(consumer: Consumer, accept: Any, engine: Engine):
    """As the runbook says of a token that got out: discarded by hand, and the subject rebuilt of the rest."""
    consumer.consume("dlr", [accept(envelope("good"))])
    before = kept(engine)["messages"]
    forged = replace(envelope("forged", status="DELIVERED", timestamp=1777700000), source="203.0.113.9")
    consumer.consume("dlr", [accept(forged)])
    assert kept(engine)["messages"] != before
    c = deliveries.c
    with engine.begin() as connection:
        connection.execute(
            update(deliveries)
            .where(c.outcome == "applied", c.received_at >= NOW, c.source == "203.0.113.9")
            .values(outcome="discarded")
        )
    for chunk in chunks(engine, Scope(event_type="dlr", subject="7")):
        assert list(rebuild(Store(engine), chunk))
    assert kept(engine)["messages"] == before

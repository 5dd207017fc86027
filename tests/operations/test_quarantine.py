"""Quarantine: doubtful deliveries are stored and not applied until an operator releases them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from operations.dead_letters import Selection
from operations.rebuild import chunks, rebuild
from operations.replay import discard
from seven.archive_records import ArchivedDelivery
from seven.envelope import CUT, Envelope
from store.archive import Scope
from store.projection import DIED, project_line
from store.row_writer import Store
from store.schema import deliveries
from tests.factories.dead_letters import ALL, delivery, ids, letters, replayed, write
from tests.factories.envelopes import NOW, envelope
from tests.factories.rows import stored_rows
from workers.consumer import Consumer

DOUBT = "signature: mismatch"
REPLAYED = Selection(outcomes=("dead", "parked"))
QUARANTINED = Selection(outcomes=("quarantined",))


def doubtful(name: str = "d", source: str = "203.0.113.9", **changed: Any) -> Envelope:
    return replace(envelope(name), source=source, doubt=DOUBT, **changed)


@pytest.fixture
def quarantine(consumer: Consumer, accept: Any) -> Any:
    def put(*envelopes: Envelope) -> None:
        consumer.consume("dlr", [accept(*envelopes)])

    return put


def test_a_quarantined_delivery_is_not_applied(quarantine: Any, engine: Engine):
    """Its row keeps the doubt and the source; the delivery beside it becomes a message as usual."""
    quarantine(doubtful(), envelope("good", msg_id="8"))
    row = delivery(engine, "d")
    assert (row.outcome, row.reason, row.source) == ("quarantined", DOUBT, "203.0.113.9")
    assert (row.event_type, row.subject, row.applied_at, row.ordinal) == ("dlr", None, None, 1)
    assert row.digest
    assert [row[0] for row in stored_rows(engine)["messages"]] == ["8"]


def test_a_replay_releases_it_only_on_request(quarantine: Any, engine: Engine):
    """A replay of all dead and parked deliveries leaves it; a replay of quarantined ones applies it."""
    quarantine(doubtful())
    assert replayed(engine, REPLAYED).results.total() == 0
    assert replayed(engine, QUARANTINED).count("applied") == 1
    row = delivery(engine, "d")
    assert (row.outcome, row.subject, row.source) == ("applied", "7", "203.0.113.9")
    assert [row[0] for row in stored_rows(engine)["messages"]] == ["7"]


def test_a_genuine_repeat_is_applied(quarantine: Any, engine: Engine):
    """The same event from the gateway itself is applied; the doubtful one, released later, is a repeat."""
    quarantine(doubtful())
    quarantine(envelope("good"))
    before = stored_rows(engine)["messages"]
    assert replayed(engine, QUARANTINED).count("applied") == 1
    assert stored_rows(engine)["messages"] == before


def test_a_truncated_payload_is_not_released(quarantine: Any, engine: Engine):
    """The stored sample of a payload that was too large is never taken for the whole."""
    half = doubtful(payload=b"msg_id=7&status=DELIVERED&x=", reason=f"{CUT}10 bytes: 20 bytes")
    quarantine(half)
    assert delivery(engine, "d").reason == f"{CUT}10 bytes: 20 bytes; {DOUBT}"
    assert replayed(engine, QUARANTINED).count("left") == 1
    assert delivery(engine, "d").outcome == "quarantined"
    assert stored_rows(engine)["messages"] == []


def test_bytes_that_decode_today_are_applied(quarantine: Any, engine: Engine):
    """Today's code may decode a payload that an older receiver could not."""
    quarantine(doubtful(payload=b"msg_id=7&status=DELIVERED&webhook_event=dlr", reason="neither JSON nor a form"))
    assert replayed(engine, QUARANTINED).count("applied") == 1


def test_deliveries_of_one_address_and_period_are_discarded(quarantine: Any, engine: Engine):
    """After a token leak: by source and time of receipt, and no others."""
    hour = timedelta(hours=1)
    quarantine(
        doubtful("early", received_at=NOW - 5 * hour), doubtful("in"), doubtful("in2"),
        doubtful("late", received_at=NOW + 5 * hour), doubtful("else", source="198.51.100.7"),
        replace(envelope("parked", "mms"), source="203.0.113.9"), replace(envelope("ok"), source="203.0.113.9"),
    )  # fmt: skip
    theirs = Selection(sources=("203.0.113.9",), since=NOW - hour, until=NOW + hour)
    assert sorted(ids(engine, theirs)) == ["in", "in2", "parked"]
    assert discard(Store(engine), ids(engine, theirs)) == 3
    assert delivery(engine, "in").outcome == "discarded"
    assert delivery(engine, "in").reason == f"discarded: {DOUBT}"
    assert sorted(ids(engine, ALL)) == ["early", "else", "late"]


def test_a_delivery_that_killed_workers_is_released_only_by_force(engine: Engine):
    """Dead outranks quarantined; `force` trusts the delivery and accepts the risk."""
    died = project_line(ArchivedDelivery(id="d", queue="dlr", ordinal=1), doubtful().line()).dead(f"over it {DIED}")
    write(engine, died)
    assert replayed(engine, REPLAYED).count("left") == 1
    assert replayed(engine, Selection(ids=("d",), outcomes=("dead",)), force=True).count("applied") == 1
    assert letters(engine)["d"].replayed_at is not None


def test_a_dead_doubtful_delivery_is_not_applied(engine: Engine):
    """A doubtful delivery that failed for another reason stays dead in a replay of everything."""
    failed = project_line(ArchivedDelivery(id="d", queue="dlr", ordinal=1), doubtful().line()).dead(
        "some fault of ours"
    )
    write(engine, failed)
    summary = replayed(engine, REPLAYED)
    assert (summary.count("dead"), summary.count("applied")) == (1, 0)
    assert delivery(engine, "d").outcome == "dead"


def test_a_rebuild_undoes_a_forgery(consumer: Consumer, accept: Any, engine: Engine):
    """As in the runbook for a leaked token: discard the forgery by hand and rebuild its subject."""
    consumer.consume("dlr", [accept(envelope("good"))])
    before = stored_rows(engine)["messages"]
    forged = replace(envelope("forged", status="DELIVERED", timestamp=1777700000), source="203.0.113.9")
    consumer.consume("dlr", [accept(forged)])
    assert stored_rows(engine)["messages"] != before
    c = deliveries.c
    with engine.begin() as connection:
        connection.execute(
            update(deliveries)
            .where(c.outcome == "applied", c.received_at >= NOW, c.source == "203.0.113.9")
            .values(outcome="discarded")
        )
    for chunk in chunks(engine, Scope(event_type="dlr", subject="7")):
        assert list(rebuild(Store(engine), chunk))
    assert stored_rows(engine)["messages"] == before

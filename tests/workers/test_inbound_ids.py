"""Inbound ids: a delivery whose message has the id of another's is parked, by workers and by a replay alike."""

from typing import Any

import pytest
from sqlalchemy import Engine

from operations.dead_letters import Selection
from operations.replay import ReplayPlan
from seven.envelope import Envelope
from store.errors import OTHERS_ID
from tests.factories.dead_letters import delivery, ids, replayed
from tests.factories.envelopes import NOW
from tests.factories.rows import stored_rows
from workers.consumer import Consumer

ANNA, BEN = "4915112345678", "447700900001"


def inbound(name: str, event_type: str, sender: str) -> Envelope:
    kind = {"content_type": "text"} if event_type == "rcs" else {}
    data = {"id": 7, "sender": sender, "text": f"of {sender}", "time": 1777600000, **kind}
    return Envelope(name, event_type, NOW, "JSON", {"webhook_event": event_type, "data": data})


def rows(engine: Engine) -> list[Any]:
    return [(row[0], row[1], row[3], row[6]) for row in stored_rows(engine)["inbound_messages"]]


@pytest.mark.parametrize(("first", "second"), [("sms_mo", "rcs"), ("rcs", "sms_mo"), ("wa_mo", "rcs"), ("rcs", "rcs")])
def test_whichever_came_second_is_parked(consumer: Consumer, engine: Engine, accept: Any, first: str, second: str):
    """In a batch of its own, its neighbours are applied; a replay leaves it parked; the row stays the first one's."""
    consumer.consume(first, [accept(inbound("a", first, ANNA), queue=first)])
    before = rows(engine)
    other = Envelope("c", "dlr", NOW, "JSON", {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "READ"}})
    consumer.consume(second, [accept(inbound("b", second, BEN), other, inbound("d", second, ANNA), queue=second)])
    parked = delivery(engine, "b")
    assert (parked.outcome, parked.reason, parked.subject, parked.record) == ("parked", OTHERS_ID, None, None)
    assert [delivery(engine, name).outcome for name in "acd"] == ["applied"] * 3
    assert [row[:3] for row in rows(engine)] == [row[:3] for row in before] == [("7", ANNA, f"of {ANNA}")]

    plan = ReplayPlan(engine)
    plan.add(ids(engine, Selection()))
    assert (plan.replayed.count("parked"), plan.rows.get("inbound_messages")) == (1, None)
    assert replayed(engine).count("parked") == 1
    assert [row[:3] for row in rows(engine)] == [("7", ANNA, f"of {ANNA}")]


def test_within_a_batch_the_first_keeps_the_id(consumer: Consumer, engine: Engine, accept: Any):
    """Of two people's messages with one id in one batch, the second is parked."""
    consumer.consume("rcs", [accept(inbound("a", "rcs", BEN), inbound("b", "rcs", ANNA), queue="rcs")])
    assert rows(engine) == [("7", BEN, f"of {BEN}", "rcs")]
    assert [delivery(engine, name).outcome for name in "ab"] == ["applied", "parked"]


def test_what_was_parked_under_another_name_is_applied_under_ours(consumer: Consumer, engine: Engine, accept: Any):
    """Earlier versions stored `rcs_mo` as an unknown event type: `--type rcs` selects it, and it is `rcs` then."""
    consumer.consume("parked", [accept(inbound("a", "rcs", ANNA), queue="parked")])
    with engine.begin() as connection:
        schema = "seven." if engine.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(
            f"UPDATE {schema}deliveries SET event_type = 'rcs_mo', outcome = 'parked', record = NULL, subject = NULL"
        )
        connection.exec_driver_sql(f"DELETE FROM {schema}inbound_messages")
    assert replayed(engine, Selection(outcomes=("parked",), event_types=("rcs",))).count("applied") == 1
    stored = delivery(engine, "a")
    assert (stored.event_type, stored.record, stored.subject, stored.ordinal) == ("rcs", "inbound_messages", "7", 1)
    assert rows(engine) == [("7", ANNA, f"of {ANNA}", "rcs")]

"""Change rows: whatever is delivered, the last change of each record is what the record is; payloads and what is blanked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, update

from reactions.change import Change, stable_id
from reactions.change_examples import example
from reactions.payload_value import payload_value
from seven.topics import OPT_OUTS, path
from store.schema import calls, changes, deliveries, inbound_messages, opt_out_events, opt_outs
from tests.extent import examples
from tests.factories.changes import NUMBER, REPORTS, Report, at_second, noted, write
from tests.factories.rows import empty
from tests.reactions.claims import claimed, read_all

INBOUND = {"id": "901", "sender": NUMBER, "system": "4915199999999", "text": "STOP", "time": at_second(1)}
CALL = {"id": "301", "caller": NUMBER, "time": at_second(1)}


@examples(25, 150)
@given(batches=st.lists(st.lists(REPORTS, min_size=1, max_size=5), min_size=1, max_size=6))
def test_the_last_change_is_the_record(engine: Engine, batches: list[list[Report]]):
    """Of each record the last change stands, with its status; an earlier one is superseded, unless it says the same."""
    empty(engine)
    with engine.begin() as connection:
        connection.execute(delete(changes))
    write(engine, batches)
    rows = claimed(noted(engine))
    last: dict[Any, int] = {}
    for each in rows:
        opted = each.topic in OPT_OUTS.values()  # all of one number
        last[path(each.topic), None if opted else each.key] = each.seq
    made = read_all(engine, rows, payload=True)
    for each, change in zip(rows, made, strict=True):
        if each.seq in last.values():
            assert change is not None
            assert (change.id, change.sequence) == (stable_id(each.topic, each.key, each.now, each.at), each.seq)
            assert isinstance(change.payload, dict)
            assert Change.model_validate_json(change.body()) == change
        if change is not None:
            status = getattr(change.data, "status", None) or getattr(change.data, "state", None)
            if path(change.type) in ("message", "call.status", "opt_out"):
                assert status == each.now


def test_the_payload_is_that_of_the_delivery(engine: Engine):
    """As it was decoded; left out where nobody asks for it; null where it is blanked or the delivery is gone."""
    write(engine, [[("sms_mo", INBOUND)], [("voice_call", CALL)]])
    rows = claimed(noted(engine))
    assert {each.topic for each in rows} == {"inbound.received", "opt_out.started", "call.received"}
    assert all(change and "payload" not in json.loads(change.body()) for change in read_all(engine, rows))

    payloads = {change.type: change.payload for change in read_all(engine, rows, payload=True) if change}
    assert payloads["inbound.received"] == payloads["opt_out.started"]
    assert payloads["inbound.received"]["data"] == INBOUND  # type: ignore[call-overload, index]
    assert payloads["call.received"]["data"] == CALL  # type: ignore[call-overload, index]

    with engine.begin() as connection:
        connection.execute(update(deliveries).where(deliveries.c.event_type == "sms_mo").values(payload=None))
        connection.execute(delete(deliveries).where(deliveries.c.event_type == "voice_call"))
    for change in read_all(engine, rows, payload=True):
        assert change
        assert json.loads(change.body())["payload"] is None


def test_what_is_blanked_is_null(engine: Engine):
    """By retention or by `forget`: a change of it is sent all the same, without what is no longer kept."""
    write(engine, [[("sms_mo", INBOUND)], [("voice_call", CALL)]])
    rows = claimed(noted(engine))
    with engine.begin() as connection:
        connection.execute(update(inbound_messages).values(text=None, sender=None))
        connection.execute(update(calls).values(caller=None, recipient=None))
        connection.execute(update(opt_outs).values(number="5f" * 32, word=None))
        connection.execute(update(opt_out_events).values(number="5f" * 32, word=None))
    data = {change.type: json.loads(change.body())["data"] for change in read_all(engine, rows) if change}
    assert (data["inbound.received"]["sender"], data["inbound.received"]["text"]) == (None, None)
    assert (data["call.received"]["caller"], data["call.received"]["recipient"]) == (None, None)
    assert (data["opt_out.started"]["number"], data["opt_out.started"]["word"]) == (None, None)


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (None, None),
        ("base64:/w==", "base64:/w=="),
        ('{"a": {"b": [1, "2", null]}}', {"a": {"b": [1, "2", None]}}),
        ('{"n": 1e999, "m": NaN, "big": 123456789012345678901234567890}', {"n": "1e999", "m": "NaN", "big": 123456789012345678901234567890}),
        ('{"\\ud800": ["\\udc00x", "\\ud83d\\udc4b"]}', {"\ufffd": ["\ufffdx", "👋"]}),
        ("not JSON", "not JSON"),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_any_stored_payload_can_be_sent(stored: str | None, value: Any):
    """As a value of JSON, or else as the text that it is."""
    assert payload_value(stored) == value
    body = Change(**{**dict(example("inbound.received")), "payload": payload_value(stored)}).body()
    assert json.loads(body)["payload"] == value

"""Payloads: what the decoded words say about themselves, and the digest by which a repeat is known."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from seven.delivery import MAX_NAME, Payload
from seven.errors import InvalidPayload, NotUnderstood, Undecodable, UnknownEventType
from seven.events import EVENT_TYPES, PARKED, QUEUES, queue_of
from tests.seven.wire_forms import form, post

RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
REPORT = {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}


@pytest.mark.parametrize(
    ("webhook_event", "path", "event_type"),
    [
        pytest.param("dlr", None, "dlr", id="the payload's"),
        pytest.param(None, "dlr", "dlr", id="the path's"),
        pytest.param("dlr", "sms_mo", "dlr", id="the payload's outranks the path's"),
        pytest.param("dlr", "all", "dlr", id="the payload's, the hook for all"),
        pytest.param("", "dlr", "dlr", id="empty is none"),
        pytest.param("  ", "dlr", "dlr", id="blank is none"),
        pytest.param(None, "all", None, id="all is none"),
        pytest.param(None, None, None, id="none"),
        pytest.param(" DLR\n", None, "dlr", id="a known one in any case, blanks around it"),
        pytest.param(None, "SMS_MO", "sms_mo", id="a path in upper case"),
        pytest.param("sms.mo", None, "sms.mo", id="the vendor's own slip is not known"),
        pytest.param("RCS", None, "RCS", id="an unknown one as it was told"),
        pytest.param("rcs", "dlr", "rcs", id="an unknown one outranks the path's, too"),
        pytest.param("x" * 4000, None, "x" * MAX_NAME, id="a long one is cut"),
        pytest.param("a\x00b\ud800", None, "a\ufffdb\ufffd", id="what no database keeps is replaced"),
    ],
)
@pytest.mark.parametrize("flat", [pytest.param(False, id="nested"), pytest.param(True, id="flat")])
def test_the_event_type_of_a_payload(webhook_event: str | None, path: str | None, event_type: str | None, flat: bool):
    """The payload's own word counts, else the path's; an unknown one is kept by its name."""
    words = {**(REPORT if flat else {"data": REPORT}), "webhook_event": webhook_event}

    assert Payload.of(words, path).event_type == event_type


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"data": {**REPORT, "webhook_event": "dlr"}}, id="inside data"),
        pytest.param(
            {"data": {**REPORT, "webhook_event": "dlr"}, "webhook_event": None}, id="inside data, null around"
        ),
        pytest.param({"data": {**REPORT, "webhook_event": "dlr"}, "webhook_event": ""}, id="inside data, empty around"),
    ],
)
def test_the_event_type_may_stand_inside_data(words: dict[str, Any]):
    """One receiver in production reads `webhook_event` there; it counts where the envelope has none."""
    assert Payload.of(words, None).event_type == "dlr"


@pytest.mark.parametrize(
    "webhook_event",
    [
        pytest.param(7, id="a number"),
        pytest.param(0, id="zero"),
        pytest.param(False, id="false"),
        pytest.param(["dlr"], id="a list"),
        pytest.param({"dlr": "geheim4711"}, id="an object"),
    ],
)
def test_an_event_type_that_is_no_text_is_a_misfit(webhook_event: object):
    """A `webhook_event` that is no text is named as the field that is wrong."""
    with pytest.raises(InvalidPayload) as misfit:
        Payload.of({"data": REPORT, "webhook_event": webhook_event}, "dlr")

    assert list(misfit.value.wrong) == ["webhook_event"]
    assert "geheim4711" not in misfit.value.reason


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        pytest.param({"data": REPORT, "webhook_event": "dlr", "x": 1}, REPORT, id="nested, a stranger beside data"),
        pytest.param({**REPORT, "webhook_event": "dlr", "webhook_timestamp": "t"}, REPORT, id="flat"),
        pytest.param({"data": json.dumps(REPORT), "webhook_event": "dlr"}, REPORT, id="a JSON text"),
        pytest.param({"data": " " + json.dumps(REPORT, indent=1)}, REPORT, id="a JSON text, indented"),
        pytest.param({"data": [], "webhook_event": "dlr"}, {}, id="PHP's empty object"),
        pytest.param({"data": {}, "webhook_event": "dlr"}, {}, id="an empty object"),
        pytest.param({"data": {"webhook_timestamp": "t", "a": 1}}, {"a": 1}, id="the envelope's fields inside data"),
        pytest.param({"data": "a text", "a": 1}, {"data": "a text", "a": 1}, id="a text that is no JSON"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_the_fields_of_a_payload(words: dict[str, Any], fields: dict[str, Any]):
    """The fields are found wherever the notation put them, without the envelope's."""
    assert Payload.of(words, None).fields == fields


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param('{"msg_id": geheim4711', Undecodable, id="cut short"),
        pytest.param("{" * 200_000, Undecodable, id="200,000 brackets"),
        pytest.param('{"a":' * 200_000, Undecodable, id="200,000 objects"),
        pytest.param('{"a":"geheim4711","a":1}', InvalidPayload, id="a key twice"),
    ],
)
def test_a_json_text_that_cannot_be_read_has_a_reason(text: str, kind: type[NotUnderstood]):
    """A JSON text in `data` is read as strictly as a body."""
    with pytest.raises(kind) as not_understood:
        Payload.of({"data": text, "webhook_event": "dlr"}, None)

    assert "geheim4711" not in not_understood.value.reason


@pytest.mark.parametrize("event_type", [None, "rcs", "wa_mo", "sms.mo", "all", "parked", "Dlr\u017f"])
def test_an_unknown_event_type_is_told_as_such(event_type: str | None):
    """The vendor coins new event types: one not known yet is neither an error nor a misfit, and has its own queue."""
    with pytest.raises(UnknownEventType):
        Payload.of({"data": REPORT, "webhook_event": event_type}, None).event(RECEIVED_AT)

    assert queue_of(event_type) == PARKED


def test_every_event_type_has_its_queue():
    """A queue for each event type, and one for what is not known."""
    assert [queue_of(event_type) for event_type in EVENT_TYPES] == list(EVENT_TYPES)
    assert len(set(QUEUES)) == len(QUEUES) == len(EVENT_TYPES) + 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(REPORT, id="texts"),
        pytest.param({"a": 1, "b": 0.075, "c": "1"}, id="numbers"),
        pytest.param({"a": True, "b": False}, id="truths"),
        pytest.param({"a": None, "b": "x"}, id="null"),
        pytest.param({"a": "", "b": "x"}, id="an empty text"),
        pytest.param({"a": {"b": {"c": 1, "d": None}}}, id="an object"),
        pytest.param({"a": "ÄÖÜ 👍 & = + \x00"}, id="odd texts"),
        pytest.param({"a": 3.0, "b": "x"}, id="a float without fraction, as a price of 3 euros"),
        pytest.param({"a": [1, "x"]}, id="a list"),
        pytest.param({"a": {}, "b": "x"}, id="an empty object"),
        pytest.param({"a": [], "b": "x"}, id="an empty list"),
        pytest.param({"a": {"c": None}, "b": "x"}, id="an object of null"),
    ],
)
def test_json_and_form_have_one_digest(fields: dict[str, Any]):
    """A delivery has one digest in JSON and as a form, of whatever kind its values are."""
    words = {"webhook_event": "tomorrow", "data": fields}
    digests = {Payload.of(post(body).decode(), None).digest() for body in (json.dumps(words).encode(), form(words))}

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"status": "DELIVERED"}, {"status": "FAILED"}, id="another value"),
        pytest.param({"status": "x"}, {"state": "x"}, id="another field"),
        pytest.param({"status": "x"}, {"status": "x", "y": "z"}, id="one more field"),
        pytest.param({"status": "x"}, {"status": {"x": "x"}}, id="nested"),
        pytest.param({"status": "0"}, {"status": ""}, id="zero and empty"),
    ],
)
def test_digests_tell_payloads_apart(one: dict[str, Any], other: dict[str, Any]):
    """What says something else, or the same of another event type, has another digest."""
    payloads = [Payload.of({"webhook_event": "dlr", "data": fields}, None) for fields in (one, other)]
    renamed = Payload.of({"webhook_event": "sms_mo", "data": one}, None)

    assert len({payload.digest() for payload in (*payloads, renamed)}) == 3
    assert all(len(payload.digest()) == 64 for payload in payloads)

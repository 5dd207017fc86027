"""Payloads: event type and fields of a decoded delivery, and the digest that identifies repeats."""

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
        pytest.param("dlr", "sms_mo", "dlr", id="the payload's wins over the path's"),
        pytest.param("dlr", "all", "dlr", id="the payload's, the hook for all"),
        pytest.param("", "dlr", "dlr", id="empty is none"),
        pytest.param("  ", "dlr", "dlr", id="blank is none"),
        pytest.param(None, "all", None, id="all is none"),
        pytest.param(None, None, None, id="none"),
        pytest.param(" DLR\n", None, "dlr", id="a known one in any case, surrounding blanks"),
        pytest.param(None, "SMS_MO", "sms_mo", id="a path in upper case"),
        pytest.param("sms.mo", None, "sms_mo", id="the vendor's own typo"),
        pytest.param("rcs_mo", "rcs_dlr", "rcs", id="an older name"),
        pytest.param("RCS_DLR", None, "rcs", id="an older name in upper case"),
        pytest.param(None, "voice.status", "voice_status", id="the vendor's own typo in the path"),
        pytest.param("MMS", None, "MMS", id="an unknown one unchanged"),
        pytest.param("mms", "dlr", "mms", id="an unknown one wins over the path's, too"),
        pytest.param("x" * 4000, None, "x" * MAX_NAME, id="a long one is cut"),
        pytest.param("a\x00b\ud800", None, "a\ufffdb\ufffd", id="unstorable characters are replaced"),
    ],
)
@pytest.mark.parametrize("flat", [pytest.param(False, id="nested"), pytest.param(True, id="flat")])
def test_the_event_type_of_a_payload(webhook_event: str | None, path: str | None, event_type: str | None, flat: bool):
    """The payload's event type counts, else the path's; an unknown one is kept."""
    decoded = {**(REPORT if flat else {"data": REPORT}), "webhook_event": webhook_event}

    assert Payload.of(decoded, path).event_type == event_type


@pytest.mark.parametrize(
    "decoded",
    [
        pytest.param({"data": {**REPORT, "webhook_event": "dlr"}}, id="inside data"),
        pytest.param(
            {"data": {**REPORT, "webhook_event": "dlr"}, "webhook_event": None}, id="inside data, null around"
        ),
        pytest.param({"data": {**REPORT, "webhook_event": "dlr"}, "webhook_event": ""}, id="inside data, empty around"),
    ],
)
def test_the_event_type_may_be_inside_data(decoded: dict[str, Any]):
    """One receiver in production reads `webhook_event` there; it counts where the envelope has none."""
    assert Payload.of(decoded, None).event_type == "dlr"


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
def test_an_event_type_that_is_not_text_is_invalid(webhook_event: object):
    """The error names `webhook_event`."""
    with pytest.raises(InvalidPayload) as raised:
        Payload.of({"data": REPORT, "webhook_event": webhook_event}, "dlr")

    assert list(raised.value.wrong) == ["webhook_event"]
    assert "geheim4711" not in raised.value.reason


@pytest.mark.parametrize(
    ("decoded", "fields"),
    [
        pytest.param(
            {"data": REPORT, "webhook_event": "dlr", "x": 1}, REPORT, id="nested, an unknown field beside data"
        ),
        pytest.param({**REPORT, "webhook_event": "dlr", "webhook_timestamp": "t"}, REPORT, id="flat"),
        pytest.param({"data": json.dumps(REPORT), "webhook_event": "dlr"}, REPORT, id="a JSON text"),
        pytest.param({"data": " " + json.dumps(REPORT, indent=1)}, REPORT, id="a JSON text, indented"),
        pytest.param({"data": [], "webhook_event": "dlr"}, {}, id="PHP's empty object"),
        pytest.param({"data": {}, "webhook_event": "dlr"}, {}, id="an empty object"),
        pytest.param({"data": {"webhook_timestamp": "t", "a": 1}}, {"a": 1}, id="the envelope's fields inside data"),
        pytest.param({"data": "a text", "a": 1}, {"data": "a text", "a": 1}, id="a text that is not JSON"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_the_fields_of_a_payload(decoded: dict[str, Any], fields: dict[str, Any]):
    """The fields come from wherever the format puts them, without the envelope's."""
    assert Payload.of(decoded, None).fields == fields


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param('{"msg_id": geheim4711', Undecodable, id="cut short"),
        pytest.param("{" * 200_000, Undecodable, id="200,000 brackets"),
        pytest.param('{"a":' * 200_000, Undecodable, id="200,000 objects"),
        pytest.param('{"a":"geheim4711","a":1}', InvalidPayload, id="a key twice"),
    ],
)
def test_an_invalid_json_text_has_a_reason(text: str, error: type[NotUnderstood]):
    """A JSON text in `data` is parsed as strictly as a body."""
    with pytest.raises(error) as raised:
        Payload.of({"data": text, "webhook_event": "dlr"}, None)

    assert "geheim4711" not in raised.value.reason


@pytest.mark.parametrize("event_type", [None, "mms", "wa.mo", "sms-mo", "all", "parked", "Dlr\u017f"])
def test_an_unknown_event_type_has_its_own_queue(event_type: str | None):
    """The vendor adds event types: an unknown one raises UnknownEventType and goes to the queue of parked deliveries."""
    with pytest.raises(UnknownEventType):
        Payload.of({"data": REPORT, "webhook_event": event_type}, None).event(RECEIVED_AT)

    assert queue_of(event_type) == PARKED


def test_every_event_type_has_its_queue():
    """Each event type has a queue, and unknown ones share another."""
    assert [queue_of(event_type) for event_type in EVENT_TYPES] == list(EVENT_TYPES)
    assert len(set(QUEUES)) == len(QUEUES) == len(EVENT_TYPES) + 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(REPORT, id="texts"),
        pytest.param({"a": 1, "b": 0.075, "c": "1"}, id="numbers"),
        pytest.param({"a": True, "b": False}, id="booleans"),
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
    """A delivery has the same digest as JSON and as a form, for values of any type."""
    decoded = {"webhook_event": "tomorrow", "data": fields}
    digests = {Payload.of(post(body).decode(), None).digest() for body in (json.dumps(decoded).encode(), form(decoded))}

    assert len(digests) == 1


@pytest.mark.parametrize(
    ("fields", "others"),
    [
        pytest.param({"status": "DELIVERED"}, {"status": "FAILED"}, id="another value"),
        pytest.param({"status": "x"}, {"state": "x"}, id="another field"),
        pytest.param({"status": "x"}, {"status": "x", "y": "z"}, id="one more field"),
        pytest.param({"status": "x"}, {"status": {"x": "x"}}, id="nested"),
        pytest.param({"status": "0"}, {"status": ""}, id="zero and empty"),
    ],
)
def test_different_payloads_have_different_digests(fields: dict[str, Any], others: dict[str, Any]):
    """Other fields, or the same with another event type, have another digest."""
    payloads = [Payload.of({"webhook_event": "dlr", "data": data}, None) for data in (fields, others)]
    renamed = Payload.of({"webhook_event": "sms_mo", "data": fields}, None)

    assert len({payload.digest() for payload in (*payloads, renamed)}) == 3
    assert all(len(payload.digest()) == 64 for payload in payloads)


WHATSAPP = {
    "event": "message", "from": "491771783130", "to": "4915126716517", "timestamp": 1762679739,
    "message": {"type": "text", "text": "STOP"},
}  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(WHATSAPP, id="as the help page has it"),
        pytest.param(WHATSAPP | {"message": json.dumps(WHATSAPP["message"])}, id="in a form, its object as JSON"),
        pytest.param(WHATSAPP | {"time": "2025-11-09T09:15:39+00:00"}, id="with its time in two notations"),
    ],
)
@pytest.mark.parametrize("path", ["all", "wa_mo", None])
def test_a_whatsapp_message_names_itself(fields: dict[str, Any], path: str | None):
    """By its envelope, whatever hook it comes by."""
    payload = Payload.of(fields, path)
    assert payload.event_type == "wa_mo"
    (message,) = payload.event(RECEIVED_AT).project()
    assert (message.sender, message.recipient, message.text) == ("491771783130", "4915126716517", "STOP")


def test_no_other_payload_names_itself():
    """Parts of that envelope prove nothing."""
    for name in WHATSAPP.keys() - {"timestamp"}:
        assert Payload.of({key: value for key, value in WHATSAPP.items() if key != name}, "all").event_type is None


def test_the_objects_of_an_rcs_message_may_be_texts():
    """A form may have them as JSON."""
    file = {"payload": {"fileName": "map.pdf", "fileUri": "https://files.example/1"}}
    fields = {"id": 7, "sender": "491771783130", "content_type": "user_file", "user_file": json.dumps(file)}
    (message,) = Payload.of(fields, "rcs").event(RECEIVED_AT).project()
    assert message.file_name == "map.pdf"

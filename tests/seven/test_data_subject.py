"""Who is sought is found however they are spelled, and nobody else is."""

import base64
import json

import pytest

from seven.data_subject import Number, foreign_id, message_id

TOLD = "+49 151 2345678"


@pytest.mark.parametrize(
    "spelled",
    [
        "491512345678",
        "+491512345678",
        "00491512345678",
        "0049 151 2345678",
        "+49 (0) 151 / 234-56.78",
        "(+49)1512345678",
    ],
)
def test_a_number_is_read_in_any_spelling(spelled: str):
    """However it is told and wherever it stands, it is one number."""
    assert Number.read(spelled) == Number("491512345678")
    number = Number.read(TOLD)
    assert number.is_in(spelled)
    assert number.is_in(f"call me: {spelled}, thanks")
    assert number.is_in_payload(json.dumps({"data": {"sender": spelled}}))


@pytest.mark.parametrize("told", ["", "SMS", "01512345678", "4915", "+49151234567890123", "49151234567x"])
def test_what_is_no_whole_number_is_refused(told: str):
    """A number without its country code, or none at all, could be anybody's."""
    with pytest.raises(ValueError, match="country code"):
        Number.read(told)


@pytest.mark.parametrize(
    "other", ["4915123456789", "9491512345678", "49151234567", "491512345679", "4 9x1512345678", "49151,2345678"]
)
def test_another_number_is_another(other: str):
    """Digits beside it, or something between them that no number has, make it another's."""
    assert not Number.read(TOLD).is_in(other)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps({"data": {"sender": 491512345678}}), id="as a number"),
        pytest.param(json.dumps({"data": json.dumps({"sender": "+491512345678"})}), id="JSON in a text"),
        pytest.param(json.dumps({"data": [{"from": "x"}, {"to": "00491512345678"}]}), id="in a list"),
        pytest.param(json.dumps({"491512345678": "x"}), id="as a name"),
        pytest.param(json.dumps({"text": "49\u00a0151\u00a02345678"}), id="spaces that do not break"),
        pytest.param("base64:" + base64.b64encode(b"\xffsender=%2B491512345678").decode(), id="bytes of a form"),
        pytest.param("base64:" + base64.b64encode(b'{"sender":"491512345678"').decode(), id="bytes of half a JSON"),
    ],
)
def test_payloads_are_looked_through(payload: str):
    """In whichever form a payload came."""
    assert Number.read(TOLD).is_in_payload(payload)
    assert not Number.read("+49 151 2345679").is_in_payload(payload)


def test_an_id_counts_in_its_fields_alone():
    """The id of a message is not that of an inbound SMS, nor a total."""
    payload = json.dumps({"data": {"id": "77", "msg_id": 78, "foreign_id": "order 5", "total_clicks": 79}})
    assert [message_id(told).is_in_payload(payload) for told in ("77", "78", "79")] == [False, True, False]
    assert [foreign_id(told).is_in_payload(payload) for told in ("order 5", "order", "77")] == [True, False, False]
    assert message_id("78").is_in_payload(json.dumps({"data": '{"sms_id":"78"}'}))
    assert not message_id("78").is_in_payload(None)

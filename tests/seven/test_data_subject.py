"""Data subjects: a number or id is recognised in any spelling; other people's are not."""

import base64
import json

import pytest

from seven.data_subject import Number, foreign_id, message_id

SPELLING = "+49 151 2345678"


@pytest.mark.parametrize(
    "spelling",
    [
        "491512345678",
        "+491512345678",
        "00491512345678",
        "0049 151 2345678",
        "+49 (0) 151 / 234-56.78",
        "(+49)1512345678",
    ],
)
def test_a_number_matches_in_any_spelling(spelling: str):
    """Each spelling is the same number, alone, in a text or in a payload."""
    assert Number.parse(spelling) == Number("491512345678")
    number = Number.parse(SPELLING)
    assert number.is_in(spelling)
    assert number.is_in(f"call me: {spelling}, thanks")
    assert number.is_in_payload(json.dumps({"data": {"sender": spelling}}))


@pytest.mark.parametrize("text", ["", "SMS", "015123", "4915", "+49151234567890123", "49151234567x"])
def test_an_incomplete_number_is_refused(text: str):
    """Half a number could be anyone's."""
    with pytest.raises(ValueError, match="a phone number is expected"):
        Number.parse(text)


@pytest.mark.parametrize("text", ["01512345678", "call 0151 / 234-5678.", "(0)151 2345678", "(0151) 2345678"])
def test_a_number_as_it_is_written_at_home(text: str):
    """Without its country code, within a text: for the country in SEVEN_COUNTRY_CODE alone."""
    assert Number.parse(SPELLING).is_in(text)
    assert Number.parse(SPELLING).is_in_payload(json.dumps({"text": text}))
    assert not Number.parse(SPELLING, country_code=43).is_in(text)
    assert not Number.parse(SPELLING).is_in(text.replace("678", "679"))
    for elsewhere in (f"+43 {text}", f"0043{text}", f"1{text.lstrip('(')}"):
        assert text.startswith("call") or not Number.parse(SPELLING).is_in(elsewhere)


@pytest.mark.parametrize(
    "other", ["4915123456789", "9491512345678", "49151234567", "491512345679", "4 9x1512345678", "49151,2345678"]
)
def test_a_similar_number_does_not_match(other: str):
    """Adjacent digits, or unusual characters between the digits, make another number."""
    assert not Number.parse(SPELLING).is_in(other)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps({"data": {"sender": 491512345678}}), id="as a number"),
        pytest.param(json.dumps({"data": json.dumps({"sender": "+491512345678"})}), id="JSON in a text"),
        pytest.param(json.dumps({"data": [{"from": "x"}, {"to": "00491512345678"}]}), id="in a list"),
        pytest.param(json.dumps({"491512345678": "x"}), id="as a name"),
        pytest.param(json.dumps({"text": "49\u00a0151\u00a02345678"}), id="non-breaking spaces"),
        pytest.param("base64:" + base64.b64encode(b"\xffsender=%2B491512345678").decode(), id="bytes of a form"),
        pytest.param("base64:" + base64.b64encode(b'{"sender":"491512345678"').decode(), id="bytes of half a JSON"),
    ],
)
def test_payloads_are_searched(payload: str):
    """The number matches in a payload of any format."""
    assert Number.parse(SPELLING).is_in_payload(payload)
    assert not Number.parse("+49 151 2345679").is_in_payload(payload)


def test_an_id_matches_only_in_its_fields():
    """The id of a message is neither that of an inbound SMS nor a total."""
    payload = json.dumps({"data": {"id": "77", "msg_id": 78, "foreign_id": "order 5", "total_clicks": 79}})
    assert [message_id(id_).is_in_payload(payload) for id_ in ("77", "78", "79")] == [False, True, False]
    assert [foreign_id(id_).is_in_payload(payload) for id_ in ("order 5", "order", "77")] == [True, False, False]
    assert message_id("78").is_in_payload(json.dumps({"data": '{"sms_id":"78"}'}))
    assert not message_id("78").is_in_payload(None)

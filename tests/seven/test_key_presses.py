"""Key presses: no key that was pressed stays in a payload, wherever the gateway's formats put it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.delivery import Delivery, Payload
from seven.digest import delivery_digest
from seven.errors import NotUnderstood
from seven.key_presses import MASKED, masked_keys, without_keys
from seven.parsing import Fields
from seven.summaries import summarise
from tests.factories.envelopes import NOW

KEYS = st.sampled_from(["0", "5", "9", "*", "#", 0, 5, 9, 5.0, "12345678", True, ["4", "7"], {"key": "7"}])
CALL = {"id": 284195, "status": "in-progress", "timestamp": 1629786769}


def forms(fields: dict[str, Any]) -> dict[str, tuple[Fields, str | None]]:
    """Every form of a payload, with the event type of its path."""
    named = {"webhook_event": "voice_dtmf"}
    text = json.dumps(fields)
    return {
        "nested": ({"data": fields} | named, None),
        "flat": (fields | named, None),
        "flat, named by the path": (fields, "voice_dtmf"),
        "JSON in a string": ({"data": text} | named, None),
        "JSON in a string in JSON in a string": ({"data": json.dumps({"data": text})} | named, None),
        "named within data": ({"data": fields | named}, None),
        "in a list": ({"data": [fields]} | named, None),
        "of an unknown event type": ({"data": fields, "webhook_event": "voice.dtmf"}, None),
        "of another type": ({"data": fields, "webhook_event": "voice_status"}, None),
        "broken JSON in a string": ({"data": text[:-1]} | named, None),
        "JSON as the name of a field": ({text: ""}, "voice_dtmf"),
    }


@pytest.mark.parametrize("form", forms({}))
@given(key=KEYS)
def test_no_key_stays_in_any_form(form: str, key: Any):
    """The payloads of two different keys are equal once they are masked; masking again changes nothing."""
    kept = []
    for pressed in (key, "0000"):
        payload, event_type = forms(CALL | {"dtmf_digit": pressed})[form]
        masked = masked_keys(payload, event_type)
        assert masked_keys(masked, event_type) == masked
        kept.append(json.dumps(masked))
    if "broken" in form or "the name" in form:
        assert not any(character in kept[0] for character in "0123456789*#")
    else:
        assert kept[0] == kept[1]
        assert MASKED in kept[0]


@given(form=st.sampled_from(["nested", "flat", "flat, named by the path", "JSON in a string", "named within data"]))
def test_a_masked_delivery_is_understood(form: str):
    """It says that a key was pressed, and everything else; two keys of one second have one digest."""
    digests = set()
    for key in (5, "#"):
        payload, event_type = forms(CALL | {"dtmf_digit": key})[form]
        masked = masked_keys(payload, event_type)
        assert isinstance(masked, dict)
        understood = Payload.of(masked, event_type)
        records = list(understood.event(NOW, NOW).project())
        assert [record.digit for record in records if record.table == "call_digits"] == [""]
        digests.add(delivery_digest("voice_dtmf", understood.fields))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param(b'{"webhook_event":"voice_dtmf","data":{"dtmf_digit":"47*#"', None, id="half of it"),
        pytest.param(b"dtmf_digit=47*#&dtmf_digit=%2A", None, id="two values"),
        pytest.param('{"digits": "47*#"'.encode("utf-16"), "voice_dtmf", id="of the path alone"),
        pytest.param('{"dtmf_digit": "47*#"'.encode("utf-16"), None, id="UTF-16"),
        pytest.param(b'[{"dtmf_digit":47}]', None, id="a list"),
    ],
)
def test_undecodable_bytes_have_no_digits(raw: bytes, path: str | None):
    """What cannot be decoded keeps its structure."""
    with pytest.raises(NotUnderstood):
        Payload.of(Delivery("POST", b"", raw).decode(), path)
    masked = masked_keys(raw, path)
    assert isinstance(masked, bytes)
    assert len(masked) == len(raw)
    assert not set(masked) & set(b"0123456789*#")


@pytest.mark.parametrize(
    ("payload", "event_type"),
    [
        pytest.param({"webhook_event": "dlr", "data": {"msg_id": "7", "digits": "4"}}, "dlr", id="a known type"),
        pytest.param({"webhook_event": "mms", "data": {"digits": "4711", "text": '{"a": 1}'}}, "mms", id="unknown"),
        pytest.param(b"digits=4711", "mms", id="bytes"),
    ],
)
def test_other_deliveries_stay_as_they_are(payload: Any, event_type: str):
    """The payload itself is returned."""
    assert masked_keys(payload, event_type) is payload


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_is_in_a_payload_masking_ends(value: Any):
    """It raises nothing, and is idempotent."""
    payload = {"data": value, "webhook_event": "voice_dtmf"}
    masked = masked_keys(payload, None)
    assert masked_keys(masked, None) == masked


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(
    "payload", ['{"data":{"dtmf_digit":47}}', '{"data":{"id":1,"dtmf_digit":47}}', "base64:ZHRtZl9kaWdpdD00Nw=="]
)
def test_no_summary_has_a_key(payload: str, masked: bool):
    """Neither of what is understood nor of what is parked."""
    assert "47" not in summarise("voice_dtmf", payload, masked=masked)
    assert "47" not in str(without_keys("dtmf 47", None))

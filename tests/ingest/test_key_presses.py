"""Keys pressed in calls never reach Redis, unless that is set."""

import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.ingest.conftest import accepted

HOOK = f"/hooks/{TOKEN}"
CALL = {"id": 8, "timestamp": 1777600000}


@pytest.mark.parametrize(
    ("path", "body", "outcome"),
    [
        pytest.param("", json.dumps({"webhook_event": "voice_dtmf", "data": CALL | {"dtmf_digit": 4711}}), "accepted", id="nested"),
        pytest.param("/voice_dtmf", json.dumps(CALL | {"dtmf_digit": "4711"}), "accepted", id="flat"),
        pytest.param("", "webhook_event=voice_dtmf&data[id]=8&data[dtmf_digit]=4711", "accepted", id="form"),
        pytest.param("", json.dumps({"webhook_event": "VOICE_DTMF", "data": json.dumps(CALL | {"dtmf_digit": "4711"})}), "accepted", id="text"),
        pytest.param("/voice_dtmf", json.dumps({"dtmf_digit": "4711"}), "parked", id="without an id"),
        pytest.param("/voice_dtmf", "id=8&dtmf_digit=4711&dtmf_digit=4712", "parked", id="two values"),
        pytest.param("/voice_dtmf", '{"id": 8, "key": 4711', "parked", id="undecodable"),
        pytest.param("/voice_dtmf", '{"dtmf_digit": 4711, "x": "' + "x" * 70_000, "parked", id="too large"),
        pytest.param("", json.dumps({"webhook_event": "voice.dtmf2", "data": {"dtmf_digit": "4711"}}), "parked", id="unknown"),
    ],
)  # fmt: skip
def test_no_key_reaches_the_ledger(client: TestClient, ledger: Ledger, path: str, body: str, outcome: str):
    """In whatever form it comes, understood or not."""
    answer = client.post(HOOK + path, content=body)
    assert answer.json()["outcome"] == outcome
    assert "471" not in answer.text.replace(answer.json()["id"], "")
    (envelope,) = accepted(ledger).values()
    assert "471" not in envelope.payload_text
    assert b"471" not in (envelope.payload if isinstance(envelope.payload, bytes) else b"")


def test_keys_are_kept_where_that_is_set(receiver: Callable[..., TestClient], ledger: Ledger):
    """SEVEN_KEEP_DIGITS=true stores the payload as it was sent."""
    receiver(seven_keep_digits=True).post(HOOK + "/voice_dtmf", json=CALL | {"dtmf_digit": "4711"})
    (envelope,) = accepted(ledger).values()
    assert envelope.fields == CALL | {"dtmf_digit": "4711"}

"""Endpoint: answers to requests, and the deliveries kept for them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from ingest.settings import IngestSettings
from ledger.client import Ledger
from seven.events import EVENT_TYPES
from seven.key_presses import masked_keys
from tests.conftest import TOKEN
from tests.ingest.conftest import accepted

HOOK = f"/hooks/{TOKEN}"
GOOD = {"data": {"msg_id": "7", "status": "DELIVERED"}, "webhook_event": "dlr"}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("ending", ["", "/", "/all", "/{}", "/{}/"])
def test_every_event_type_is_accepted(client: TestClient, ledger: Ledger, event_type: str, ending: str):
    """Hooks of the type and of `all` accept it, with or without a trailing slash, and keep the payload; keys that were pressed are masked."""
    payload = {"data": dict(EVENT_TYPES[event_type].example), "webhook_event": event_type}
    answer = client.post(HOOK + ending.format(event_type), json=payload)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    envelope = accepted(ledger)[answer.json()["id"]]
    kept = masked_keys(payload, event_type)
    assert (kept == payload) == (event_type != "voice_dtmf")
    assert (envelope.payload, envelope.event_type, envelope.request_method) == (kept, event_type, "JSON")


@pytest.mark.parametrize(
    ("method", "content_type", "body"),
    [
        pytest.param("JSON", "application/json", json.dumps(GOOD), id="json"),
        pytest.param("JSON", "application/x-www-form-urlencoded", json.dumps(GOOD), id="json called a form"),
        pytest.param("JSON", "", json.dumps(GOOD), id="json without a content type"),
        pytest.param("POST", "application/x-www-form-urlencoded", "msg_id=7&status=DELIVERED&webhook_event=dlr", id="form"),
        pytest.param("POST", "application/json", "data%5Bmsg_id%5D=7&data%5Bstatus%5D=DELIVERED&webhook_event=dlr", id="form called json"),
        pytest.param("POST", "text/plain", "data[msg_id]=7&data[status]=DELIVERED&webhook_event=dlr", id="plain brackets"),
    ],
)  # fmt: skip
def test_bytes_are_believed_not_content_types(
    client: TestClient, ledger: Ledger, method: str, content_type: str, body: str
):
    """A wrong content type loses nothing: the body itself decides."""
    answer = client.post(HOOK, content=body, headers={"content-type": content_type})
    assert answer.json()["outcome"] == "accepted"
    assert accepted(ledger)[answer.json()["id"]].request_method == method


def test_get_delivers(client: TestClient, ledger: Ledger):
    """A GET with parameters is a delivery; the target URL's own query is kept beside them."""
    answer = client.get(HOOK + "/dlr?tenant=4&msg_id=7&status=DELIVERED&timestamp=2020-01-09+15%3A41%3A30.656")
    assert answer.json()["outcome"] == "accepted"
    envelope = accepted(ledger)[answer.json()["id"]]
    assert (envelope.request_method, envelope.event_type) == ("GET", "dlr")
    assert envelope.fields["tenant"] == "4"


def test_the_payload_outranks_the_path(client: TestClient, ledger: Ledger):
    """The payload's event type counts, whichever path it was sent to."""
    answer = client.post(HOOK + "/sms_mo", json=GOOD)
    assert accepted(ledger)[answer.json()["id"]].event_type == "dlr"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", HOOK, 200, id="a browser"),
        pytest.param("GET", HOOK + "/dlr/", 200, id="a browser with an event type"),
        pytest.param("HEAD", HOOK, 200, id="a monitor"),
        pytest.param("HEAD", HOOK + "/dlr?msg_id=7&status=DELIVERED", 200, id="a monitor with parameters"),
        pytest.param("GET", "/hooks/stranger", 404, id="get with an unknown token"),
        pytest.param("HEAD", "/hooks/stranger", 404, id="head with an unknown token"),
        pytest.param("POST", "/hooks/stranger", 404, id="post with an unknown token"),
        pytest.param("PUT", "/hooks/stranger", 404, id="put with an unknown token"),
        pytest.param("POST", "/hooks/stranger/dlr", 404, id="typed post with an unknown token"),
        pytest.param("POST", f"/hooks/{TOKEN[:-1]}", 404, id="token cut by one character"),
        pytest.param("POST", f"/hooks/{TOKEN}x", 404, id="token and one character"),
        pytest.param("POST", f"/hooks/{TOKEN}%00", 404, id="nul"),
        pytest.param("POST", "/hooks/%ff%fe", 404, id="no utf-8"),
        pytest.param("POST", "/hooks/", 404, id="no token"),
        pytest.param("POST", "/hooks", 404, id="no slash"),
        pytest.param("POST", HOOK + "/dlr/more", 404, id="too long"),
        pytest.param("PUT", HOOK, 405, id="put"),
        pytest.param("DELETE", HOOK, 405, id="delete"),
        pytest.param("GET", "/metrics", 404, id="metrics are not public"),
        pytest.param("GET", "/livez", 200, id="alive"),
        pytest.param("GET", "/readyz", 200, id="ready"),
    ],
)
def test_answers_that_store_nothing(client: TestClient, ledger: Ledger, method: str, path: str, status: int):
    """Requests without a valid token, browsers and monitors store nothing, and no answer is a redirect."""
    answer = client.request(method, path, content=json.dumps(GOOD) if method in ("POST", "PUT") else None)
    assert answer.status_code == status
    assert accepted(ledger) == {}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        pytest.param(b"", 422, "empty", id="empty"),
        pytest.param(b"  \n", 422, "empty", id="blank"),
        pytest.param(b'{"data": ', 422, "malformed JSON", id="malformed json"),
        pytest.param(b"[1]", 422, "not an object", id="json array"),
        pytest.param(b"hello", 422, "neither JSON nor a form", id="a word"),
        pytest.param(b"\x00\xff\xfe=\x01", 422, "neither JSON nor a form", id="binary"),
        pytest.param(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", 422, "nested", id="nested brackets"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 422, "nested", id="nested objects"),
        pytest.param(b"[" * 60_000, 422, "JSON", id="brackets that never close"),
        pytest.param(b'{"data":' + b"9" * 5000 + b"}", 422, "digits", id="a number of 5000 digits"),
        pytest.param(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--", 422, "multipart", id="multipart"),
        pytest.param(b"<?xml version='1.0'?><a/>", 422, "neither JSON nor a form", id="xml"),
        pytest.param(b"{}", 202, "neither webhook_event nor the path", id="no event type"),
        pytest.param(b'{"webhook_event":"mms","data":{}}', 202, "not known", id="an unknown event type"),
        pytest.param(b'{"webhook_event":7,"data":{}}', 202, "not text", id="an event type that is a number"),
        pytest.param(b'{"webhook_event":"dlr","data":{}}', 202, "msg_id", id="without its key"),
        pytest.param(b'{"webhook_event":"dlr","data":[]}', 202, "msg_id", id="php's empty object"),
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":{"a":1},"status":"X"}}', 202, "msg_id", id="an object for a key"),
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":NaN,"status":"X"}}', 202, "msg_id", id="nan for a key"),
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":"1","msg_id":"2","status":"X"}}', 202, "msg_id is given twice", id="duplicate key"),
        pytest.param(b"webhook_event=dlr&msg_id=1&msg_id=2&status=X", 202, "msg_id is given twice", id="a form key twice"),
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":' + b"9" * 400 + b',"status":"X"}}', 202, "msg_id", id="400 digits for a key"),
    ],
)  # fmt: skip
def test_bad_input_is_kept_and_explained(client: TestClient, ledger: Ledger, body: bytes, status: int, detail: str):
    """A delivery with a valid token is kept, however malformed, and the answer says what is wrong."""
    answer = client.post(HOOK, content=body)
    assert answer.status_code == status
    assert answer.json()["outcome"] == "parked"
    assert detail in answer.json()["detail"]
    envelope = accepted(ledger)[answer.json()["id"]]
    assert json.dumps(envelope.payload_text)  # can be stored anywhere
    if status == 422:
        assert envelope.payload == body
        assert envelope.reason == answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":"1","status":"X","timestamp":-5}}', id="a negative time"),
        pytest.param(b'{"webhook_event":"dlr","data":{"msg_id":"1","status":"X","timestamp":1e300}}', id="an absurd time"),
        pytest.param(b'{"webhook_event":"tracking","data":{"sms_id":1,"tracking_url":"u","total_clicks":' + b"9" * 400 + b"}}", id="400 digits for a count"),
    ],
)  # fmt: skip
def test_an_optional_field_parks_nothing(client: TestClient, body: bytes):
    """A delivery is understood without an optional time or figure."""
    assert client.post(HOOK, content=body).json()["outcome"] == "accepted"


def test_each_wrong_field_is_named(client: TestClient):
    """The answer to an invalid payload names every wrong field, and repeats none of their values."""
    secret = "4915112345678"
    answer = client.post(HOOK + "/voice_status", json={"id": [secret], "duration": secret + "x", "pricePerMinute": -1})
    assert set(answer.json()["wrong"]) == {"id", "status", "duration", "pricePerMinute"}
    assert secret not in answer.text


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(b'{"a":"\\u0000"}', {"a": "\x00"}, id="nul"),
        pytest.param(b'{"a":"\\ud800"}', {"a": "\ud800"}, id="lone surrogate"),
        pytest.param(b'{"a":NaN,"b":-Infinity}', {"a": "NaN", "b": "-Infinity"}, id="non-numbers"),
        pytest.param(b"a=%FCber", {"a": "\udcfcber"}, id="latin-1 in a form"),
    ],
)
def test_odd_characters_survive(client: TestClient, ledger: Ledger, body: bytes, kept: dict[str, Any]):
    """NUL, lone surrogates and non-numbers reach the ledger and are read back unchanged."""
    answer = client.post(HOOK, content=body)
    assert accepted(ledger)[answer.json()["id"]].payload == kept


@pytest.mark.parametrize("body", [b"a=%FCber", b"a=\xfcber", b'{"a":"\xfcber"}'], ids=["escaped", "raw", "json"])
def test_a_declared_charset_counts(client: TestClient, ledger: Ledger, body: bytes):
    """Bytes that are not UTF-8 are read as the request declares them."""
    answer = client.post(HOOK, content=body, headers={"Content-Type": "x; charset=ISO-8859-1"})
    assert accepted(ledger)[answer.json()["id"]].payload == {"a": "über"}


def test_an_unknown_event_type_is_cut_and_gets_no_queue(client: TestClient, ledger: Ledger):
    """An invented event type becomes no queue, counter or key of its own."""
    answer = client.post(HOOK, json={"webhook_event": "x" * 500, "data": {}})
    assert accepted(ledger)[answer.json()["id"]].event_type == "x" * 64
    assert not [key for key in ledger.redis.keys("*") if b"xx" in key]
    assert ledger.redis.hkeys("seven:ordinals") == [b"parked"]


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 1000):
        yield b"x" * 1000


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_is_413_and_a_sample_is_kept(client: TestClient, ledger: Ledger, chunked: bool):
    """Beyond the limit, declared or counted, the answer is 413; the size and the first 4 KiB are kept."""
    answer = client.post(HOOK, content=_chunks(10_000_000) if chunked else b"x" * 10_000_000)
    assert answer.status_code == 413
    envelope = accepted(ledger)[answer.json()["id"]]
    assert envelope.payload == b"x" * 4096
    assert "10000000 bytes" in str(envelope.reason)


def test_the_limit_is_exact(receiver: Callable[..., TestClient], ledger: Ledger):
    """A delivery of exactly the limit is read, one byte more is too large; the query counts."""
    client = receiver(seven_body_limit=100)
    body = b'{"webhook_event":"mms","a":"%s"}'
    fits = body % (b"x" * (100 - len(body) + 2))
    assert client.post(HOOK, content=fits).status_code == 202
    assert client.post(HOOK, content=fits + b" ").status_code == 413
    assert client.post(HOOK + "?a=1", content=fits).status_code == 413
    assert len(accepted(ledger)) == 3


def test_parking_is_bounded(receiver: Callable[..., TestClient], ledger: Ledger):
    """Beyond the hourly quota, deliveries that would be parked get 429, and the gateway retries them."""
    client = receiver(seven_parked_limit=1000)
    answers = [client.post(HOOK, content=b"x" * 100) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {422, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
    assert len(accepted(ledger)) == sum(answer.status_code == 422 for answer in answers)
    assert client.post(HOOK, json=GOOD).status_code == 202


def test_several_tokens_deliver_and_their_use_is_recorded(receiver: Callable[..., TestClient], ledger: Ledger):
    """While a token is replaced both deliver; the ledger records by fingerprint when each was last used."""
    other = "another-" + TOKEN
    client = receiver(seven_hook_token=f"{other}, {TOKEN}")
    assert client.post(f"/hooks/{other}", json=GOOD).status_code == 202
    assert client.post(HOOK, json=GOOD).status_code == 202
    used = ledger.redis.hgetall("seven:tokens")
    assert len(used) == 2
    assert not any(TOKEN.encode() in name for name in used)


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "a/b" * 10, ","])
def test_weak_tokens_are_refused_at_start(redis_url: str, token: str):
    """A receiver with an unusable hook token, or none, does not start."""
    with pytest.raises(ValueError, match=r"seven_hook_token|SEVEN_HOOK_TOKEN"):
        IngestSettings(redis_url=redis_url, seven_hook_token=token)

"""Signatures of deliveries, and of requests to the API."""

import hashlib
import hmac
import time
from urllib.parse import urlsplit

import pytest

from tests.emulator.emulator_process import Emulator, run_emulator
from tests.emulator.stub_receiver import ReceivedRequest, Receiver

SIGNING_KEY = "a-signing-key-of-some-account"
NONCE = "abcdef0123456789ABCDEF0123456789"


def sign(at: object, method: str, url: str, body: bytes, key: str = SIGNING_KEY, nonce: str = NONCE) -> str:
    """The signature by the steps of the vendor's signing page."""
    string = f"{at}\n{nonce}\n{method}\n{url}\n{hashlib.md5(body).hexdigest()}"
    return hmac.new(key.encode(), string.encode(), hashlib.sha256).hexdigest()


def is_signed(request: ReceivedRequest, url: str) -> bool:
    """Whether a delivery carries the valid signature of its URL and body."""
    at, nonce = request.headers["x-timestamp"], request.headers["x-nonce"]
    assert abs(int(at) - time.time()) < 30
    assert len(nonce) == 32
    assert nonce.isalnum()
    if request.delivery.method == "GET":
        url = f"{url.partition('?')[0]}?{request.delivery.query.decode()}"
    return request.headers["x-signature"] == sign(at, request.delivery.method, url, request.delivery.body, nonce=nonce)


@pytest.mark.parametrize("query", ["", "?tenant=7&secret=a%2Fb"])
@pytest.mark.parametrize("method", ["JSON", "POST", "GET"])
def test_every_delivery_is_signed(receiver: Receiver, method, query):
    """The signature covers the whole target URL with its query, and the body; a GET has no body."""
    url = f"{receiver.url}{query}"
    with run_emulator(signing_key=SIGNING_KEY) as emulator:
        emulator.subscribe(target_url=url, request_method=method)
        emulator.final_report(emulator.run_scenario())

    assert receiver.requests
    assert all(is_signed(request, url) for request in receiver.requests)
    assert len({request.headers["x-nonce"] for request in receiver.requests}) == len(receiver.requests)


def test_deliveries_to_a_target_are_signed_too(receiver: Receiver):
    """A scenario with a target has the same signatures as one for hooks."""
    with run_emulator(signing_key=SIGNING_KEY, target_url=receiver.url, story_messages=4) as emulator:
        emulator.final_report()

    assert receiver.requests
    assert all(is_signed(request, receiver.url) for request in receiver.requests)


def test_without_a_key_nothing_is_signed(receiver: Receiver):
    """Without a signing key, no header belongs to a signature."""
    with run_emulator() as emulator:
        emulator.subscribe(target_url=receiver.url)
        emulator.final_report(emulator.run_scenario())

    assert receiver.requests
    assert not [name for request in receiver.requests for name in request.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    ("settings", "fields", "nonces"),
    [
        pytest.param({}, {}, 1, id="first signature by default"),
        pytest.param({"resign_retries": True}, {}, 3, id="setting"),
        pytest.param({}, {"resign_retries": True}, 3, id="request"),
        pytest.param({"resign_retries": True}, {"resign_retries": False}, 1, id="request overrides the setting"),
    ],
)
def test_a_retry_carries_its_first_signature_or_a_new_one(receiver: Receiver, settings, fields, nonces):
    """The emulator can do both, since the gateway's behaviour is unknown."""
    receiver.answer = lambda request: 503 if request.nth < 3 else 202
    with run_emulator(signing_key=SIGNING_KEY, compression=1e6, **settings) as emulator:
        emulator.subscribe(target_url=receiver.url)
        report = emulator.final_report(emulator.run_scenario(messages=4, **fields))

    nonces_by_delivery: dict = {}
    for request in receiver.requests:
        nonces_by_delivery.setdefault(request.delivery, set()).add(request.headers["x-nonce"])
    assert report["attempts"] == 3 * report["delivered"] == 3 * len(nonces_by_delivery)
    assert {len(used) for used in nonces_by_delivery.values()} == {nonces}


def send_signed(emulator: Emulator, at: object, signature: str, method: str = "POST", nonce: str = NONCE) -> object:
    headers = {"X-Timestamp": str(at), "X-Nonce": nonce, "X-Signature": signature}
    query = "?action=read" if method == "GET" else ""
    content = b"" if method == "GET" else b'{"action":"read"}'
    return emulator.client.request(method, f"{emulator.api}{query}", content=content, headers=headers).json()


@pytest.mark.parametrize(
    ("method", "age_s", "accepted"),
    [
        pytest.param("GET", 0, True, id="GET over its query"),
        pytest.param("POST", 0, True, id="POST"),
        pytest.param("POST", 25, True, id="recent"),
        pytest.param("POST", 35, False, id="too old"),
        pytest.param("POST", -35, False, id="in the future"),
    ],
)
def test_a_signature_is_valid_for_thirty_seconds(method, age_s, accepted):
    """An invalid or old signature is answered with 901, as HTTP 200."""
    with run_emulator(signing_key=SIGNING_KEY) as emulator:
        at = int(time.time()) - age_s
        url, body = (f"{emulator.api}?action=read", b"") if method == "GET" else (emulator.api, b'{"action":"read"}')
        signature = sign(at, method, url, body)
        answer = send_signed(emulator, at, signature, method)
        assert answer == ({"success": True, "code": None, "hooks": []} if accepted else "901")
        assert send_signed(emulator, at, signature.upper(), method) == answer


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda at, url, body: (at, sign(at, "POST", url, body, key="another")), id="another key"),
        pytest.param(lambda at, url, body: (at, sign(at, "POST", urlsplit(url).path, body)), id="only the path"),
        pytest.param(lambda at, url, body: (at, sign(at, "POST", url, b"")), id="another body"),
        pytest.param(lambda at, url, body: (at, sign(at, "GET", url, body)), id="another method"),
        pytest.param(lambda at, url, body: (at + 1, sign(at, "POST", url, body)), id="another time"),
        pytest.param(lambda at, url, body: (f"{at}.5", sign(f"{at}.5", "POST", url, body)), id="not a whole second"),
        pytest.param(lambda at, url, body: ("9" * 5000, sign("9" * 5000, "POST", url, body)), id="not a time"),
        pytest.param(lambda at, url, body: (at, ""), id="empty"),
        pytest.param(lambda at, url, body: (at, "ü".encode()), id="not hexadecimal"),
    ],
)
def test_a_forged_signature_is_refused(forged):
    """A signature over any other value is answered with 901."""
    with run_emulator(signing_key=SIGNING_KEY) as emulator:
        at, signature = forged(int(time.time()), emulator.api, b'{"action":"read"}')
        assert send_signed(emulator, at, signature) == "901"
        assert emulator.client.get(emulator.api).json()["success"] is True, "an unsigned request is accepted"


def test_a_signature_does_not_replace_the_key():
    """A wrong key is answered with 900, even with a valid signature."""
    with run_emulator(signing_key=SIGNING_KEY, api_key="another") as emulator:
        at = int(time.time())
        assert send_signed(emulator, at, sign(at, "POST", emulator.api, b'{"action":"read"}')) == "900"

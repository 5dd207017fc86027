"""Signing: of deliveries, and of requests to the API."""

import hashlib
import hmac
import time
from urllib.parse import urlsplit

import pytest

from tests.emulator.emulator_process import Emulator, emulating
from tests.emulator.stub_receiver import Heard, Receiver

SIGNING_KEY = "a-signing-key-of-some-account"
NONCE = "abcdef0123456789ABCDEF0123456789"


def sign(at: object, method: str, url: str, body: bytes, key: str = SIGNING_KEY, nonce: str = NONCE) -> str:
    """As the vendor's signing page says, in its own steps."""
    string = f"{at}\n{nonce}\n{method}\n{url}\n{hashlib.md5(body).hexdigest()}"
    return hmac.new(key.encode(), string.encode(), hashlib.sha256).hexdigest()


def holds(heard: Heard, url: str) -> bool:
    """Whether a delivery carries the signature of what arrived."""
    at, nonce = heard.headers["x-timestamp"], heard.headers["x-nonce"]
    assert abs(int(at) - time.time()) < 30
    assert len(nonce) == 32
    assert nonce.isalnum()
    if heard.delivery.method == "GET":
        url = f"{url.partition('?')[0]}?{heard.delivery.query.decode()}"
    return heard.headers["x-signature"] == sign(at, heard.delivery.method, url, heard.delivery.body, nonce=nonce)


@pytest.mark.parametrize("query", ["", "?tenant=7&secret=a%2Fb"])
@pytest.mark.parametrize("method", ["JSON", "POST", "GET"])
def test_every_delivery_is_signed(receiver: Receiver, method, query):
    """Over the whole target URL with its query and the body; a GET over the URL it is made to and no body."""
    url = f"{receiver.url}{query}"
    with emulating(signing_key=SIGNING_KEY) as one:
        one.subscribe(target_url=url, request_method=method)
        one.told(one.tell())

    assert receiver.heard
    assert all(holds(heard, url) for heard in receiver.heard)
    assert len({heard.headers["x-nonce"] for heard in receiver.heard}) == len(receiver.heard)


def test_deliveries_to_a_target_are_signed_too(receiver: Receiver):
    """Whoever tells a story directly gets what a hook would."""
    with emulating(signing_key=SIGNING_KEY, target_url=receiver.url, story_messages=4) as one:
        one.told()

    assert receiver.heard
    assert all(holds(heard, receiver.url) for heard in receiver.heard)


def test_without_a_key_nothing_is_signed(receiver: Receiver):
    """No header hints at a signature."""
    with emulating() as one:
        one.subscribe(target_url=receiver.url)
        one.told(one.tell())

    assert receiver.heard
    assert not [name for heard in receiver.heard for name in heard.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    ("settings", "order", "nonces"),
    [
        pytest.param({}, {}, 1, id="by default its first"),
        pytest.param({"resign_retries": True}, {}, 3, id="set"),
        pytest.param({}, {"resign_retries": True}, 3, id="ordered"),
        pytest.param({"resign_retries": True}, {"resign_retries": False}, 1, id="ordered otherwise"),
    ],
)
def test_a_retry_carries_its_first_signature_or_one_of_its_own(receiver: Receiver, settings, order, nonces):
    """Which of both the gateway does is not known."""
    receiver.answer = lambda heard: 503 if heard.nth < 3 else 202
    with emulating(signing_key=SIGNING_KEY, compression=1e6, **settings) as one:
        one.subscribe(target_url=receiver.url)
        report = one.told(one.tell(messages=4, **order))

    tried: dict = {}
    for heard in receiver.heard:
        tried.setdefault(heard.delivery, set()).add(heard.headers["x-nonce"])
    assert report["attempts"] == 3 * report["delivered"] == 3 * len(tried)
    assert {len(one) for one in tried.values()} == {nonces}


def ask(one: Emulator, at: object, signature: str, method: str = "POST", nonce: str = NONCE) -> object:
    headers = {"X-Timestamp": str(at), "X-Nonce": nonce, "X-Signature": signature}
    query = "?action=read" if method == "GET" else ""
    content = b"" if method == "GET" else b'{"action":"read"}'
    return one.client.request(method, f"{one.api}{query}", content=content, headers=headers).json()


@pytest.mark.parametrize(
    ("method", "old_s", "admitted"),
    [
        pytest.param("GET", 0, True, id="GET over its query"),
        pytest.param("POST", 0, True, id="POST"),
        pytest.param("POST", 25, True, id="not too old"),
        pytest.param("POST", 35, False, id="too old"),
        pytest.param("POST", -35, False, id="of the future"),
    ],
)
def test_a_signed_request_is_let_in_for_thirty_seconds(method, old_s, admitted):
    """If a signature is sent, it must be valid; 901 otherwise, as HTTP 200."""
    with emulating(signing_key=SIGNING_KEY) as one:
        at = int(time.time()) - old_s
        url, body = (f"{one.api}?action=read", b"") if method == "GET" else (one.api, b'{"action":"read"}')
        signature = sign(at, method, url, body)
        told = ask(one, at, signature, method)
        assert told == ({"success": True, "code": None, "hooks": []} if admitted else "901")
        assert ask(one, at, signature.upper(), method) == told


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda at, url, body: (at, sign(at, "POST", url, body, key="another")), id="another key"),
        pytest.param(lambda at, url, body: (at, sign(at, "POST", urlsplit(url).path, body)), id="only the path"),
        pytest.param(lambda at, url, body: (at, sign(at, "POST", url, b"")), id="another body"),
        pytest.param(lambda at, url, body: (at, sign(at, "GET", url, body)), id="another method"),
        pytest.param(lambda at, url, body: (at + 1, sign(at, "POST", url, body)), id="another time"),
        pytest.param(lambda at, url, body: (f"{at}.5", sign(f"{at}.5", "POST", url, body)), id="not a whole second"),
        pytest.param(lambda at, url, body: ("9" * 5000, sign("9" * 5000, "POST", url, body)), id="no time"),
        pytest.param(lambda at, url, body: (at, ""), id="empty"),
        pytest.param(lambda at, url, body: (at, "ü".encode()), id="no hex"),
    ],
)
def test_a_forged_signature_is_refused(forged):
    """Whatever about it is wrong."""
    with emulating(signing_key=SIGNING_KEY) as one:
        at, signature = forged(int(time.time()), one.api, b'{"action":"read"}')
        assert ask(one, at, signature) == "901"
        assert one.client.get(one.api).json()["success"] is True, "unsigned it is let in"


def test_a_signature_does_not_replace_the_key():
    """The key is asked for first."""
    with emulating(signing_key=SIGNING_KEY, api_key="another") as one:
        at = int(time.time())
        assert ask(one, at, sign(at, "POST", one.api, b'{"action":"read"}')) == "900"

"""Guards: what each says of a delivery, what becomes of it in each mode, and what is left for `doctor`."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from ingest.settings import IngestSettings
from ledger.client import Ledger
from ledger.keyspace import fingerprint
from ledger.verification_stats import judged
from seven.signing import signature_headers
from tests.conftest import TOKEN
from tests.ingest.conftest import accepted
from tests.servers import eventually

PUBLIC, OLDER = "https://hooks.example.com/seven", "https://old.example.com"
KEY, OLDER_KEY = "the-signing-key-of-the-account", "the-signing-key-of-before"
PATH = f"/hooks/{TOKEN}"
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'
QUERY = "msg_id=7&status=DELIVERED&timestamp=2020-01-09+15%3A41%3A30.656&x=%C3%A4"
DAY = 86_400

Start = Callable[..., TestClient]


def signed(
    url: str = PUBLIC + PATH, *, key: str = KEY, ago_s: float = 0, method: str = "POST", body: bytes = BODY
) -> dict[str, str]:
    """The headers of a delivery that was signed some time ago."""
    at = str(int(time.time() - ago_s))
    return signature_headers(key, timestamp=at, nonce="n" * 32, method=method, url=url, body=body)


def settings(mode: str | None = None, **told: Any) -> dict[str, Any]:
    return {
        "seven_public_url": f"{PUBLIC}/, {OLDER}", "seven_signing_key": f"{KEY}, {OLDER_KEY}",
        "seven_signature_mode": mode,
    } | told  # fmt: skip


def changed(**headers: str) -> dict[str, str]:
    """Well signed, and then some headers told otherwise."""
    return signed() | {f"X-{name.title()}": value for name, value in headers.items()}


CASES = [
    pytest.param(signed, None, id="as it should be"),
    pytest.param(lambda: signed(key=OLDER_KEY), None, id="with the key of before"),
    pytest.param(lambda: signed(OLDER + PATH), None, id="for the URL of before"),
    pytest.param(lambda: signed(ago_s=3 * DAY), None, id="a retry after three days, with its first signature"),
    pytest.param(lambda: signed(ago_s=-200), None, id="by a clock that is ahead"),
    pytest.param(dict, "unsigned", id="unsigned"),
    pytest.param(lambda: changed(signature="0" * 64), "mismatch", id="forged"),
    pytest.param(lambda: changed(signature=signed()["X-Signature"][:-2]), "malformed", id="truncated"),
    pytest.param(lambda: changed(signature=signed()["X-Signature"].swapcase()), "malformed", id="swapped case"),
    pytest.param(lambda: changed(nonce=""), "malformed", id="without a nonce"),
    pytest.param(lambda: signed("https://evil.example.com" + PATH), "mismatch", id="for another host"),
    pytest.param(lambda: signed(PUBLIC + PATH + "/dlr"), "mismatch", id="for another hook"),
    pytest.param(lambda: signed(PUBLIC + PATH + "?a=1"), "mismatch", id="for another query"),
    pytest.param(lambda: signed(PATH), "mismatch", id="for the path alone"),
    pytest.param(lambda: signed(body=BODY + b" "), "mismatch", id="for another body"),
    pytest.param(lambda: signed(method="GET"), "mismatch", id="for another method"),
    pytest.param(lambda: signed(key="a key of somebody else"), "mismatch", id="with another key"),
    pytest.param(lambda: signed(ago_s=4 * DAY + 60), "too_old", id="too old"),
    pytest.param(lambda: signed(ago_s=-400), "ahead", id="from the future"),
]


@pytest.mark.parametrize("mode", ["off", "observe", None, "enforce"])
@pytest.mark.parametrize(("headers", "flaw"), CASES)
def test_every_case_in_every_mode(
    receiver: Start, ledger: Ledger, headers: Callable[[], dict[str, str]], flaw: str | None, mode: str | None
):
    """Only enforcing refuses, with 401, and then the delivery is kept all the same, with what it said and why."""
    answer = receiver(**settings(mode)).post(PATH, content=BODY, headers=headers())
    envelope = accepted(ledger)[answer.json()["id"]]
    assert envelope.words["data"]["msg_id"] == "7"
    if mode == "enforce" and flaw:
        assert (answer.status_code, answer.json()["outcome"]) == (401, "quarantined")
        assert answer.json()["detail"] == envelope.doubt == f"signature: {flaw}"
    else:
        assert (answer.status_code, answer.json()["outcome"], envelope.doubt) == (202, "accepted", None)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("", "", id="as it is registered"),
        pytest.param("/", "", id="with a slash"),
        pytest.param("/dlr", "", id="for one event type"),
        pytest.param("", "secret=1&b=%2F+c", id="with a query of its own"),
        pytest.param("/%64lr", "", id="escaped where it need not be"),
    ],
)
def test_the_url_is_signed_as_it_came(receiver: Start, path: str, query: str):
    """Byte for byte, whatever it decodes to; what a request says of its host and of its way here does not count."""
    target = PATH + path + (f"?{query}" if query else "")
    elsewhere = {"host": "evil.example.com", "x-forwarded-host": "evil.example.com", "x-forwarded-proto": "http"}
    answer = receiver(**settings("enforce")).post(target, content=BODY, headers=signed(PUBLIC + target) | elsewhere)
    assert answer.status_code == 202


def test_a_get_is_signed_with_its_query(receiver: Start):
    """The words are in it: one more, one less, or another order is another delivery."""
    client = receiver(**settings("enforce"))
    target = f"{PATH}/dlr?{QUERY}"
    headers = signed(PUBLIC + target, method="GET", body=b"")
    assert client.get(target, headers=headers).status_code == 202
    assert client.get(f"{target}&y=1", headers=headers).status_code == 401
    assert client.get(f"{PATH}/dlr?{QUERY.replace('7', '8')}", headers=headers).status_code == 401
    assert (
        client.get(f"{PATH}/dlr?x=1&{QUERY}", headers=signed(f"{PUBLIC}{PATH}/dlr", method="GET", body=b"")).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("body", "said", "status"),
    [
        pytest.param(b"\xff\x00", "", 422, id="bytes"),
        pytest.param(b"", "", 422, id="nothing"),
        pytest.param(b'{"webhook_event":"rcs"}', "", 202, id="an event type of tomorrow"),
        pytest.param(b"x" * 70_000, "larger than", 413, id="too large"),
    ],
)
def test_what_is_not_understood_is_looked_at_all_the_same(
    receiver: Start, ledger: Ledger, body: bytes, said: str, status: int
):
    """Bytes are verified before anybody reads them: signed they are parked, unsigned they are in quarantine."""
    client = receiver(**settings("enforce"))
    answer = client.post(PATH, content=body, headers=signed(body=body))
    assert (answer.status_code, answer.json()["outcome"]) == (status, "parked")
    answer = client.post(PATH, content=body)
    assert (answer.status_code, answer.json()["outcome"]) == (401, "quarantined")
    envelope = accepted(ledger)[answer.json()["id"]]
    assert envelope.doubt == "signature: unsigned"
    assert (envelope.reason or "").startswith(said)


def test_quarantine_is_bounded_by_itself(receiver: Start, ledger: Ledger):
    """Who forges fills a share of his own, and is then asked to come again; what is understood or parked goes on."""
    client = receiver(**settings("enforce", seven_quarantined_most=2))
    answers = [client.post(PATH, content=BODY) for _ in range(4)]
    assert [one.status_code for one in answers] == [401, 401, 429, 429]
    assert answers[-1].headers["retry-after"]
    assert len(accepted(ledger)) == 2
    assert client.post(PATH, content=BODY, headers=signed()).status_code == 202
    assert client.post(PATH, content=b"x", headers=signed(body=b"x")).status_code == 422


@pytest.mark.parametrize("mode", ["observe", "enforce"])
@pytest.mark.parametrize(
    ("headers", "flaw"),
    [
        pytest.param([("X-Hook-Secret", "current-secret-of-hooks")], None, id="the current one"),
        pytest.param([("x-hook-secret", "older-secret-of-hooks")], None, id="the older one"),
        pytest.param([("X-Hook-Secret", "another-secret-of-hooks")], "mismatch", id="another"),
        pytest.param([("X-Hook-Secret", "Current-Secret-of-hooks")], "mismatch", id="in another case"),
        pytest.param([("X-Hook-Secret", "current-secret-of-hooks")] * 2, "mismatch", id="twice"),
        pytest.param([("X-Hook-Secret", "")], "mismatch", id="empty"),
        pytest.param([], "missing", id="none"),
    ],
)
def test_the_secret_header(receiver: Start, mode: str, headers: list[tuple[str, str]], flaw: str | None):
    """A lock of its own, with modes of its own."""
    client = receiver(seven_hook_secret="current-secret-of-hooks,older-secret-of-hooks", seven_hook_secret_mode=mode)
    answer = client.post(PATH, content=BODY, headers=headers)
    assert answer.status_code == (401 if flaw and mode == "enforce" else 202)
    if answer.status_code == 401:
        assert answer.json()["detail"] == f"secret: {flaw}"


def test_guards_are_combined(receiver: Start):
    """Every one that enforces has to be content; one that observes is in nobody's way."""
    client = receiver(**settings("enforce", seven_hook_secret="secret-of-hooks", seven_hook_secret_mode="enforce"))
    secret = {"X-Hook-Secret": "secret-of-hooks"}
    assert client.post(PATH, content=BODY, headers=signed() | secret).status_code == 202
    assert client.post(PATH, content=BODY, headers=signed()).json()["detail"] == "secret: missing"
    assert client.post(PATH, content=BODY, headers=secret).json()["detail"] == "signature: unsigned"


def test_doctor_can_ask(receiver: Start, ledger: Ledger):
    """Who held, by which URL and key, in a row since the last flaw; and nothing of it by name."""
    client = receiver(**settings())
    eventually(lambda: judged(ledger.redis, "secret").mode == "off")
    client.post(PATH, content=BODY)
    for headers in (signed(), signed(), signed(OLDER + PATH, key=OLDER_KEY)):
        assert client.post(PATH, content=BODY, headers=headers).status_code == 202
    current, older = (f"{fingerprint(u)}:{fingerprint(k)}" for u, k in ((PUBLIC, KEY), (OLDER, OLDER_KEY)))
    eventually(lambda: judged(ledger.redis, "signature").held == {current: 2, older: 1})
    told = judged(ledger.redis, "signature")
    assert (told.mode, told.flaw, set(told.last_at)) == ("observe", "unsigned", {current, older})
    assert told.flawed_at
    client.post(PATH, content=BODY, headers=changed(signature="0" * 64))
    eventually(lambda: judged(ledger.redis, "signature").flaw == "mismatch")
    assert judged(ledger.redis, "signature").held == {}
    assert set(judged(ledger.redis, "signature").last_at) == {current, older}
    kept = str(ledger.redis.hgetall("seven:guards:signature"))
    assert not [word for word in (KEY, OLDER_KEY, "example", TOKEN) if word in kept]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"seven_signature_mode": "enforce"}, "SEVEN_SIGNING_KEY", id="no key"),
        pytest.param({"seven_signature_mode": "enforce", "seven_signing_key": KEY}, "SEVEN_PUBLIC_URL", id="no url"),
        pytest.param({"seven_hook_secret_mode": "enforce"}, "SEVEN_HOOK_SECRET", id="no secret"),
        pytest.param({"seven_hook_secret": "short"}, "8 or more", id="a short secret"),
        pytest.param({"seven_signature_mode": "strict"}, "seven_signature_mode", id="no mode"),
        pytest.param({"seven_trusted_proxies": "proxy"}, "10.0.0.0/8", id="a proxy's name"),
        pytest.param({"seven_trusted_proxies": "*"}, "10.0.0.0/8", id="every proxy"),
    ],
)
def test_what_cannot_work_does_not_start(redis_url: str, told: dict[str, str], said: str):
    """To enforce what cannot be verified would refuse everything."""
    with pytest.raises(ValueError, match=said):
        IngestSettings(redis_url=redis_url, seven_hook_token=TOKEN, **told)


def test_where_a_delivery_came_from_is_kept(receiver: Start, ledger: Ledger):
    """As far as it is known who called."""
    answer = receiver().post(PATH, content=BODY)
    assert accepted(ledger)[answer.json()["id"]].source == "testclient"


def test_the_digest_is_of_the_whole_body(receiver: Start):
    """Whatever pieces it came in."""
    body = BODY + b" " * 60_000
    pieces = iter([body[:10], body[10:]])
    answer = receiver(**settings("enforce")).post(PATH, content=pieces, headers=signed(body=body))
    assert answer.status_code == 202


def test_who_has_a_token_cannot_spoil_the_count(receiver: Start, ledger: Ledger):
    """Flaws of an address from which nothing ever held are told apart."""
    client = receiver(**settings(), address="10.0.0.1", seven_trusted_proxies="10.0.0.0/8")
    gateway, thief = {"x-forwarded-for": "192.0.2.1"}, {"x-forwarded-for": "203.0.113.9"}
    for headers in (signed() | gateway, thief, signed() | gateway, thief, thief):
        client.post(PATH, content=BODY, headers=headers)
    eventually(lambda: judged(ledger.redis, "signature").foreign == 3)
    told = judged(ledger.redis, "signature")
    assert (sum(told.held.values()), told.flaw) == (2, None)
    client.post(PATH, content=BODY, headers=gateway)
    eventually(lambda: judged(ledger.redis, "signature").flaw == "unsigned")
    assert judged(ledger.redis, "signature").held == {}


@pytest.mark.parametrize(
    ("ago_s", "status"),
    [
        pytest.param(0, 202, id="of now by its own clock"),
        pytest.param(-10 * DAY, 202, id="of now by Redis'"),
        pytest.param(30 * DAY, 401, id="old by both"),
        pytest.param(-5 * DAY, 401, id="of neither"),
    ],
)
def test_one_clock_that_is_wrong_refuses_nothing(receiver: Start, ago_s: float, status: int):
    """Redis' clock is ten days ahead of the receiver's, and nobody can say which is right."""
    with time_machine.travel(time.time() - 10 * DAY, tick=True):
        client = receiver(**settings("enforce"))
        assert client.post(PATH, content=BODY, headers=signed(ago_s=ago_s)).status_code == status

"""Verification: the verdict on each delivery, and its outcome in each mode."""

import time
from collections.abc import Callable

import pytest
import time_machine
from starlette.testclient import TestClient

from ingest.settings import IngestSettings
from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.ingest.conftest import accepted
from tests.ingest.signed_requests import BODY, KEY, OLDER, OLDER_KEY, PATH, PUBLIC, changed, settings, signed

QUERY = "msg_id=7&status=DELIVERED&timestamp=2020-01-09+15%3A41%3A30.656&x=%C3%A4"
DAY = 86_400
Start = Callable[..., TestClient]


CASES = [
    pytest.param(signed, None, id="valid"),
    pytest.param(lambda: signed(key=OLDER_KEY), None, id="with the older key"),
    pytest.param(lambda: signed(OLDER + PATH), None, id="for the older URL"),
    pytest.param(lambda: signed(ago_s=3 * DAY), None, id="a retry after three days, with its first signature"),
    pytest.param(lambda: signed(ago_s=-200), None, id="by a clock that is ahead"),
    pytest.param(dict, "unsigned", id="unsigned"),
    pytest.param(lambda: changed(signature="0" * 64), "mismatch", id="forged"),
    pytest.param(lambda: changed(signature=signed()["X-Signature"][:-2]), "malformed", id="truncated"),
    pytest.param(lambda: changed(signature=signed()["X-Signature"].upper()), None, id="in upper case"),
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
    """Only `enforce` refuses, with 401; the delivery is kept all the same, with its payload and its flaw."""
    answer = receiver(**settings(mode)).post(PATH, content=BODY, headers=headers())
    envelope = accepted(ledger)[answer.json()["id"]]
    assert envelope.fields["data"]["msg_id"] == "7"
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
def test_the_url_is_verified_as_sent(receiver: Start, path: str, query: str):
    """It counts byte for byte, whatever it decodes to; host and forwarding headers do not count."""
    target = PATH + path + (f"?{query}" if query else "")
    elsewhere = {"host": "evil.example.com", "x-forwarded-host": "evil.example.com", "x-forwarded-proto": "http"}
    answer = receiver(**settings("enforce")).post(target, content=BODY, headers=signed(PUBLIC + target) | elsewhere)
    assert answer.status_code == 202


def test_a_get_is_signed_with_its_query(receiver: Start):
    """The query has the fields: with one more, one less, or in another order it is another delivery."""
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
    ("body", "reason", "status"),
    [
        pytest.param(b"\xff\x00", "", 422, id="bytes"),
        pytest.param(b"", "", 422, id="nothing"),
        pytest.param(b'{"webhook_event":"mms"}', "", 202, id="an unknown event type"),
        pytest.param(b"x" * 70_000, "larger than", 413, id="too large"),
    ],
)
def test_deliveries_that_are_not_understood_are_verified(
    receiver: Start, ledger: Ledger, body: bytes, reason: str, status: int
):
    """Verification comes before parsing: signed bytes are parked, unsigned ones quarantined."""
    client = receiver(**settings("enforce"))
    answer = client.post(PATH, content=body, headers=signed(body=body))
    assert (answer.status_code, answer.json()["outcome"]) == (status, "parked")
    answer = client.post(PATH, content=body)
    assert (answer.status_code, answer.json()["outcome"]) == (401, "quarantined")
    envelope = accepted(ledger)[answer.json()["id"]]
    assert envelope.doubt == "signature: unsigned"
    assert (envelope.reason or "").startswith(reason)


def test_quarantine_has_its_own_quota(receiver: Start, ledger: Ledger):
    """Beyond it forged deliveries get 429; valid ones are still accepted or parked."""
    client = receiver(**settings("enforce", seven_quarantined_most=2))
    answers = [client.post(PATH, content=BODY) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
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
    """The secret header is verified independently, in a mode of its own."""
    client = receiver(seven_hook_secret="current-secret-of-hooks,older-secret-of-hooks", seven_hook_secret_mode=mode)
    answer = client.post(PATH, content=BODY, headers=headers)
    assert answer.status_code == (401 if flaw and mode == "enforce" else 202)
    if answer.status_code == 401:
        assert answer.json()["detail"] == f"secret: {flaw}"


def test_verifiers_are_combined(receiver: Start):
    """A delivery must pass every enforcing verifier."""
    client = receiver(**settings("enforce", seven_hook_secret="secret-of-hooks", seven_hook_secret_mode="enforce"))
    secret = {"X-Hook-Secret": "secret-of-hooks"}
    assert client.post(PATH, content=BODY, headers=signed() | secret).status_code == 202
    assert client.post(PATH, content=BODY, headers=signed()).json()["detail"] == "secret: missing"
    assert client.post(PATH, content=BODY, headers=secret).json()["detail"] == "signature: unsigned"


@pytest.mark.parametrize(
    ("settings", "message"),
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
def test_unusable_settings_are_refused_at_start(redis_url: str, settings: dict[str, str], message: str):
    """Enforcing without what verification needs would refuse every delivery."""
    with pytest.raises(ValueError, match=message):
        IngestSettings(redis_url=redis_url, seven_hook_token=TOKEN, **settings)


def test_the_source_of_a_delivery_is_kept(receiver: Start, ledger: Ledger):
    """The envelope has the client's address."""
    answer = receiver().post(PATH, content=BODY)
    assert accepted(ledger)[answer.json()["id"]].source == "testclient"


def test_the_digest_is_of_the_whole_body(receiver: Start):
    """It does not depend on how the body is split into chunks."""
    body = BODY + b" " * 60_000
    pieces = iter([body[:10], body[10:]])
    answer = receiver(**settings("enforce")).post(PATH, content=pieces, headers=signed(body=body))
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("ago_s", "status"),
    [
        pytest.param(0, 202, id="current by its own clock"),
        pytest.param(-10 * DAY, 202, id="current by Redis' clock"),
        pytest.param(30 * DAY, 401, id="old by both"),
        pytest.param(-5 * DAY, 401, id="ahead of one, old by the other"),
    ],
)
def test_a_wrong_clock_refuses_nothing(receiver: Start, ago_s: float, status: int):
    """Redis' clock is ten days ahead of the receiver's, and either may be right."""
    with time_machine.travel(time.time() - 10 * DAY, tick=True):
        client = receiver(**settings("enforce"))
        assert client.post(PATH, content=BODY, headers=signed(ago_s=ago_s)).status_code == status

"""The client of the hooks API checks the body of an answer, not its form; each error has its own text."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest

from gateway.api import CODES, Api, GatewayAway, GatewayFailure, GatewayRefused, GatewayUnexpected
from gateway.hooks_client import HooksClient
from seven.hooks import Hook
from seven.signing import signature
from tests.gateway.stub_gateway import StubGateway
from tests.servers import PATIENCE_S

KEY = "a-secret-api-key"
HOOK = Hook("https://x.example/hooks/secret-token/sms_mo", "sms_mo", "JSON", "4915126716517", "x-a: 1")


@pytest.fixture
def gateway(stub: StubGateway) -> Iterator[HooksClient]:
    with Api(stub.url, KEY, timeout_s=PATIENCE_S) as api:
        yield HooksClient(api)


def test_the_list_of_hooks_is_read(gateway: HooksClient, stub: StubGateway):
    """A list is read as hooks; the request carries the key in its header and nowhere else."""
    stub.prepare({"success": "true", "code": None, "hooks": [{"id": 5, "target_url": "u", "event_type": "sms.mo"}]})
    assert gateway.read() == [Hook("u", "sms_mo", "POST", id="5", registered_as="sms.mo")]
    (request,) = stub.requests
    assert (request.method, request.path, request.headers["x-api-key"]) == ("GET", "/api/hooks?action=read", KEY)


def test_a_hook_is_created_and_removed(gateway: HooksClient, stub: StubGateway):
    """The request contains every property of the hook; the id is returned as text, whatever its type was."""
    stub.prepare({"success": True, "code": None, "id": 2045})
    assert gateway.subscribe(HOOK) == "2045"
    gateway.unsubscribe("2045")
    forms = [{name: value[0] for name, value in parse_qs(request.body.decode()).items()} for request in stub.requests]
    common = {"target_url": HOOK.target_url, "event_type": "sms_mo", "request_method": "JSON"}
    assert forms == [
        {"action": "subscribe", **common, "event_filter": "4915126716517", "headers": "x-a: 1"},
        {"action": "unsubscribe", "id": "2045"},
    ]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "written",
    [str, int, lambda code: {"success": False, "code": code}, lambda code: {"success": False, "code": int(code)}],
)
def test_every_error_code_has_its_text(
    gateway: HooksClient, stub: StubGateway, code: str, written: Callable[[str], object]
):
    """An error code, as text or number or beside `success`, is a refusal that names the remedy."""
    stub.prepare(written(code))
    with pytest.raises(GatewayRefused) as refused:
        gateway.read()
    meaning, remedy = CODES[code]
    assert refused.value.code == code
    assert meaning in str(refused.value)
    assert remedy in str(refused.value)
    assert len(stub.requests) == 1  # no retry: it would not help


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        pytest.param("12345", 200, GatewayRefused, "unknown error code", id="an unknown code"),
        pytest.param({"success": False, "code": None, "error_message": "Invalid URL"}, 200, GatewayRefused, "Invalid URL", id="a bad url"),
        pytest.param({"success": "false"}, 200, GatewayRefused, "without a reason", id="no reason"),
        pytest.param({"success": False, "error_message": "bad: https://x.example/hooks/secret-token"}, 200, GatewayRefused, "bad: …", id="a reason with the address in it"),
        pytest.param({}, 401, GatewayRefused, "key is wrong", id="401"),
        pytest.param(b"", 403, GatewayRefused, "may not do this", id="403"),
        pytest.param({"success": True}, 200, GatewayUnexpected, "no list of hooks", id="no list"),
        pytest.param({"success": True, "hooks": None}, 200, GatewayUnexpected, "no list of hooks", id="null for a list"),
        pytest.param({"success": True, "hooks": {"id": 1}}, 200, GatewayUnexpected, "no list of hooks", id="an object for a list"),
        pytest.param({"success": True, "hooks": ["x"]}, 200, GatewayUnexpected, "no list of hooks", id="strings for hooks"),
        pytest.param([], 200, GatewayUnexpected, "cannot be read", id="a bare list"),
        pytest.param(b"<html>", 200, GatewayUnexpected, "cannot be read", id="a page"),
        pytest.param(b"", 200, GatewayUnexpected, "cannot be read", id="nothing"),
        pytest.param(True, 200, GatewayUnexpected, "cannot be read", id="true"),
        pytest.param({"success": True, "hooks": []}, 302, GatewayUnexpected, "HTTP 302", id="a redirect"),
        pytest.param({"success": True, "hooks": []}, 404, GatewayUnexpected, "HTTP 404", id="404"),
        pytest.param({"success": True, "hooks": []}, 500, GatewayAway, "HTTP 500", id="500"),
        pytest.param({"success": True, "hooks": []}, 429, GatewayAway, "HTTP 429", id="429"),
    ],
)  # fmt: skip
def test_no_other_answer_counts_as_an_empty_list(
    gateway: HooksClient, stub: StubGateway, body: object, status: int, kind: type[GatewayFailure], text: str
):
    """Every answer other than a valid list is a failure with its own text, and never an empty account."""
    stub.prepare(body, status=status)
    with pytest.raises(kind) as failure:
        gateway.read()
    assert text in str(failure.value)
    assert "secret" not in str(failure.value)


def test_only_reading_is_retried(gateway: HooksClient, stub: StubGateway):
    """An unanswered read is retried; a subscription is not, for it may have succeeded."""
    stub.prepare(b"", status=502)
    with pytest.raises(GatewayAway):
        gateway.read()
    assert len(stub.requests) == 3
    with pytest.raises(GatewayAway):
        gateway.subscribe(HOOK)
    assert len(stub.requests) == 4


def test_a_refused_connection_is_an_outage():
    """The failure says that the gateway does not answer, and reveals no secret."""
    with Api("http://127.0.0.1:1/api", KEY, timeout_s=2) as api, pytest.raises(GatewayAway) as failure:
        HooksClient(api).read()
    assert "does not answer" in str(failure.value)
    assert KEY not in repr(failure.value) + repr(api)


def test_requests_are_signed_with_a_key(stub: StubGateway):
    """With a signing key each request carries a signature over its own URL and body."""
    stub.prepare({"success": True, "id": 1, "hooks": []})
    with Api(stub.url, KEY, "signing-key") as api:
        gateway = HooksClient(api)
        gateway.read()
        gateway.subscribe(HOOK)
    for request in stub.requests:
        signed = {name: request.headers[f"x-{name}"] for name in ("timestamp", "nonce")}
        url = stub.url.removesuffix("/api") + request.path
        assert request.headers["x-signature"] == signature(
            "signing-key", method=request.method, url=url, body=request.body, **signed
        )
        assert len(signed["nonce"]) == 32

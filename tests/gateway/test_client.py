"""The client of the hooks API judges what the gateway says, not how; each of its errors has its own words."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import pytest

from gateway.client import CODES, Gateway, GatewayAway, GatewayFailure, GatewayOdd, GatewayRefused
from seven.hooks import Hook
from seven.signing import signature
from tests.http_stub import Server

KEY = "a-secret-api-key"
HOOK = Hook("https://x.example/hooks/secret-token/sms_mo", "sms_mo", "JSON", "4915126716517", "x-a: 1")


class Asked:
    """One request as it came."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method, self.path, self.headers = handler.command, handler.path, handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("content-length", 0)))


class Answers:
    """A server that answers what it is told, in order; the last answer stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.told: list[tuple[int, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(Asked(self))
                status, body = outer.told.pop(0) if len(outer.told) > 1 else outer.told[0]
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the library calls it so

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, *told: object, status: int = 200) -> None:
        self.told = [(status, one if isinstance(one, bytes) else json.dumps(one).encode()) for one in told]


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.server.shutdown()
    answers.server.server_close()


@pytest.fixture
def gateway(answers: Answers) -> Iterator[Gateway]:
    with Gateway(answers.url, KEY, timeout_s=2) as gateway:
        yield gateway


def test_hooks_are_read(gateway: Gateway, answers: Answers):
    """The list comes as hooks, with the key in its header and nowhere else."""
    answers.say({"success": "true", "code": None, "hooks": [{"id": 5, "target_url": "u", "event_type": "sms.mo"}]})
    assert gateway.read() == [Hook("u", "sms.mo", "POST", id="5")]
    (asked,) = answers.asked
    assert (asked.method, asked.path, asked.headers["x-api-key"]) == ("GET", "/api/hooks?action=read", KEY)


def test_a_hook_is_created_and_removed(gateway: Gateway, answers: Answers):
    """What is told to the gateway is what the hook is; the id comes as text, whatever it was."""
    answers.say({"success": True, "code": None, "id": 2045})
    assert gateway.subscribe(HOOK) == "2045"
    gateway.unsubscribe("2045")
    told = [{name: value[0] for name, value in parse_qs(one.body.decode()).items()} for one in answers.asked]
    alike = {"target_url": HOOK.target_url, "event_type": "sms_mo", "request_method": "JSON"}
    assert told == [
        {"action": "subscribe", **alike, "event_filter": "4915126716517", "headers": "x-a: 1"},
        {"action": "unsubscribe", "id": "2045"},
    ]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "written",
    [str, int, lambda code: {"success": False, "code": code}, lambda code: {"success": False, "code": int(code)}],
)
def test_every_code_has_its_words(gateway: Gateway, answers: Answers, code: str, written: Callable[[str], object]):
    """A code in the answer's place, as text or number or beside `success`, is a refusal that says what helps."""
    answers.say(written(code))
    with pytest.raises(GatewayRefused) as refused:
        gateway.read()
    what, advice = CODES[code]
    assert refused.value.code == code
    assert what in str(refused.value)
    assert advice in str(refused.value)
    assert len(answers.asked) == 1  # to ask again would not help


@pytest.mark.parametrize(
    ("told", "status", "kind", "words"),
    [
        pytest.param("12345", 200, GatewayRefused, "not known here", id="a code of tomorrow"),
        pytest.param({"success": False, "code": None, "error_message": "Invalid URL"}, 200, GatewayRefused, "Invalid URL", id="a bad url"),
        pytest.param({"success": "false"}, 200, GatewayRefused, "without a reason", id="no reason"),
        pytest.param({"success": False, "error_message": "bad: https://x.example/hooks/secret-token"}, 200, GatewayRefused, "bad: …", id="a reason with the address in it"),
        pytest.param({}, 401, GatewayRefused, "key is wrong", id="401"),
        pytest.param(b"", 403, GatewayRefused, "may not manage", id="403"),
        pytest.param({"success": True}, 200, GatewayOdd, "listed no hooks", id="no list"),
        pytest.param({"success": True, "hooks": None}, 200, GatewayOdd, "listed no hooks", id="null for a list"),
        pytest.param({"success": True, "hooks": {"id": 1}}, 200, GatewayOdd, "listed no hooks", id="an object for a list"),
        pytest.param({"success": True, "hooks": ["x"]}, 200, GatewayOdd, "listed no hooks", id="words for hooks"),
        pytest.param([], 200, GatewayOdd, "cannot be read", id="a bare list"),
        pytest.param(b"<html>", 200, GatewayOdd, "cannot be read", id="a page"),
        pytest.param(b"", 200, GatewayOdd, "cannot be read", id="nothing"),
        pytest.param(True, 200, GatewayOdd, "cannot be read", id="true"),
        pytest.param({"success": True, "hooks": []}, 302, GatewayOdd, "HTTP 302", id="a redirect"),
        pytest.param({"success": True, "hooks": []}, 404, GatewayOdd, "HTTP 404", id="404"),
        pytest.param({"success": True, "hooks": []}, 500, GatewayAway, "HTTP 500", id="500"),
        pytest.param({"success": True, "hooks": []}, 429, GatewayAway, "HTTP 429", id="429"),
    ],
)  # fmt: skip
def test_nothing_else_is_read_as_no_hooks(
    gateway: Gateway, answers: Answers, told: object, status: int, kind: type[GatewayFailure], words: str
):
    """Whatever is not a clear list is a failure with its words, and never an empty account."""
    answers.say(told, status=status)
    with pytest.raises(kind) as failure:
        gateway.read()
    assert words in str(failure.value)
    assert "secret" not in str(failure.value)


def test_only_reading_is_repeated(gateway: Gateway, answers: Answers):
    """A read that was not answered is asked again; a subscription is not, for it may have been made."""
    answers.say(b"", status=502)
    with pytest.raises(GatewayAway):
        gateway.read()
    assert len(answers.asked) == 3
    with pytest.raises(GatewayAway):
        gateway.subscribe(HOOK)
    assert len(answers.asked) == 4


def test_a_gateway_that_is_not_there_is_away():
    """A refused connection is no answer, and says so without any secret."""
    with Gateway("http://127.0.0.1:1/api", KEY, timeout_s=2) as gateway, pytest.raises(GatewayAway) as failure:
        gateway.read()
    assert "does not answer" in str(failure.value)
    assert KEY not in repr(failure.value) + repr(gateway)


def test_requests_are_signed_with_a_key(answers: Answers):
    """With a signing key each request carries a signature over its own URL and body."""
    answers.say({"success": True, "id": 1, "hooks": []})
    with Gateway(answers.url, KEY, "signing-key") as gateway:
        gateway.read()
        gateway.subscribe(HOOK)
    for asked in answers.asked:
        told = {name: asked.headers[f"x-{name}"] for name in ("timestamp", "nonce")}
        url = answers.url.removesuffix("/api") + asked.path
        assert asked.headers["x-signature"] == signature(
            "signing-key", method=asked.method, url=url, body=asked.body, **told
        )
        assert len(told["nonce"]) == 32

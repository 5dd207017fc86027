"""HTTP targets over real sockets: whatever a target does is an attempt, within the time."""

import socket
import time
from pathlib import Path
from threading import Thread

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from reactions.target import Answer
from tests.reactions.http_targets import BODY, FORMER, OK, SECRET, target_of, target_with
from tests.reactions.raw_server import Handle, answers, headers_of, status
from tests.servers import PATIENCE_S, eventually


def test_requests_are_signed_by_both_secrets_and_share_a_connection(tmp_path: Path):
    """Whoever has either secret can verify each request; the connection is kept alive."""
    with target_with(answers(OK), tmp_path) as (target, server):
        assert [target.send(f"chg_{number}", BODY).answer for number in range(3)] == [Answer.ACCEPTED] * 3
    assert server.connections == 1
    for number, request in enumerate(server.requests):
        headers, body = headers_of(request), request.partition(b"\r\n\r\n")[2]
        assert request.startswith(b"POST /seven?key=1 HTTP/1.1\r\n")
        assert headers["webhook-id"] == f"chg_{number}"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("seven-ingest/")
        for secret in (SECRET, FORMER):
            assert Webhook(secret).verify(body, headers) == {"id": "chg_1", "text": "ä"}


def test_secrets_rotate_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Rewriting the file is enough; an invalid one leaves the former in use, and is logged without its content."""
    verifies = {SECRET: "current", FORMER: "former"}
    contents = (SECRET, f"{FORMER}\n{SECRET}\n", FORMER, "", "whsec_hush", f"{SECRET}\n")
    with target_with(answers(OK), tmp_path) as (target, server):
        for content in contents:
            (tmp_path / "secret").write_text(content)
            assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
    signers = []
    for request in server.requests:
        headers, body = headers_of(request), request.partition(b"\r\n\r\n")[2]
        signers.append({name for secret, name in verifies.items() if _is_verified(secret, body, headers)})
    assert signers == [{"current"}, {"current", "former"}, {"former"}, {"former"}, {"former"}, {"current"}]
    assert "hush" not in caplog.text
    assert SECRET[6:] not in caplog.text


def _is_verified(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize(
    ("handle", "answer", "reason", "retry_after"),
    [
        pytest.param(status(204), Answer.ACCEPTED, "", None, id="204"),
        pytest.param(answers(b"HTTP/1.0 200 OK\r\n\r\n", close=True), Answer.ACCEPTED, "", None, id="HTTP 1.0"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), Answer.ACCEPTED, "", None, id="chunked"),
        pytest.param(answers(b"HTTP/1.1 100 Continue\r\n\r\n", OK), Answer.ACCEPTED, "", None, id="100 first"),
        pytest.param(status(410), Answer.GONE, "status 410", None, id="410"),
        pytest.param(status(500), Answer.FAILED, "status 500", None, id="500"),
        pytest.param(status(429, "retry-after: 7"), Answer.FAILED, "status 429", 7.0, id="429"),
        pytest.param(status(503, "retry-after: 999999999999999"), Answer.FAILED, "status 503", 14_400.0, id="503 for ever"),
        pytest.param(status(503, "retry-after: -5"), Answer.FAILED, "status 503", None, id="503 negative"),
        pytest.param(status(503, "retry-after: soon"), Answer.FAILED, "status 503", None, id="503 garbage"),
        pytest.param(status(503, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT"), Answer.FAILED, "status 503", None, id="503 past"),
        pytest.param(status(503, "retry-after: Sun, 06 Nov 2094 08:49:37 GMT"), Answer.FAILED, "status 503", 14_400.0, id="503 date"),
        pytest.param(status(301, "location: http://169.254.169.254/"), Answer.FAILED, "status 301: a redirect, which is not followed", None, id="301"),
        pytest.param(answers(b"SSH-2.0-OpenSSH\r\n" * 9, close=True), Answer.FAILED, "its answer is no HTTP", None, id="garbage"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000 + b"\r\n\r\n", close=True), Answer.FAILED, "the head of its answer is too long", None, id="giant header"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 101 + b"\r\n", close=True), Answer.FAILED, "the head of its answer is too long", None, id="many headers"),
        pytest.param(answers(b"HTTP/1.1 100 Continue\r\n\r\n" * 9000, close=True), Answer.FAILED, "the head of its answer is too long", None, id="100 for ever"),
        pytest.param(answers(close=True), Answer.FAILED, "it closed the connection without an answer", None, id="closes"),
        pytest.param(answers(b"HTTP/1.1 2", close=True), Answer.FAILED, "its answer is no HTTP", None, id="cut"),
    ],
)  # fmt: skip
def test_answers_are_attempts(handle: Handle, answer: Answer, reason: str, retry_after: float | None, tmp_path: Path):
    """Each status, and each way to answer wrongly, has its outcome and a reason in our words."""
    with target_with(handle, tmp_path) as (target, _):
        attempt = target.send("chg_1", BODY)
    assert (attempt.answer, attempt.reason, attempt.retry_after_s) == (answer, reason, retry_after)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nx: "], ids=["silent", "within the head"])
@pytest.mark.parametrize("pause_s", [0.05, 30], ids=["drips", "hangs"])
def test_a_slow_target_takes_no_more_than_its_time(head: bytes, pause_s: float, tmp_path: Path):
    """The deadline is one for all, however the bytes drip."""

    def handle(sock: socket.socket, _: int) -> None:
        while not server.stop.wait(pause_s):
            sock.sendall((head or b"H") if pause_s < 1 else head)

    with target_with(handle, tmp_path, timeout_s=0.6) as (target, server):
        started = time.monotonic()
        attempt = target.send("chg_1", BODY)
        assert 0.5 < time.monotonic() - started < PATIENCE_S
    assert attempt.answer is Answer.FAILED
    assert attempt.reason == "no answer in time"


@pytest.mark.parametrize(
    ("length", "pause_s"),
    [
        pytest.param(10_000_000, 0.02, id="10 MB that drip"),
        pytest.param(10_000_000, 0, id="10 MB"),
        pytest.param(60_000, 0.02, id="a length that would be read"),
    ],
)
def test_an_endless_body_changes_nothing(length: int, pause_s: float, tmp_path: Path):
    """What was answered is known before the body; it is read to a limit, and the connection is closed."""

    def handle(sock: socket.socket, _: int) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length)
        for _ in range(1000 if not pause_s else 20_000):
            if server.stop.wait(pause_s):
                return
            sock.sendall(b"x" if pause_s else b"x" * 10_000)

    with target_with(handle, tmp_path, timeout_s=PATIENCE_S) as (target, server):
        started = time.monotonic()
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
        assert time.monotonic() - started < PATIENCE_S
    assert server.connections == 2


def test_a_connection_closed_meanwhile_costs_nothing(tmp_path: Path):
    """A target that closes an idle connection gets the request on a new one."""
    with target_with(answers(OK, close=True), tmp_path) as (target, server):
        for _ in range(5):
            assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
    assert server.connections == 5


def test_a_connection_closed_at_the_request_is_tried_once_more(tmp_path: Path):
    """Closed by the target after it got the second request, without a byte: it is sent again, once."""

    def handle(sock: socket.socket, before: int) -> None:
        if before == 1:
            sock.close()
        elif before < 3:
            sock.sendall(OK)
        else:
            sock.sendall(b"HTTP") or sock.close()

    with target_with(handle, tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
        assert (len(server.requests), server.connections) == (3, 2)
        assert target.send("chg_1", BODY).answer is Answer.FAILED
        assert len(server.requests) == 4


def test_what_nobody_asked_for_is_no_answer_to_the_next_request(tmp_path: Path):
    """A target that sends two answers at once has its connection closed."""
    two = answers(OK + b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
    with target_with(two, tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(3)] == [Answer.ACCEPTED] * 3
    assert server.connections == 3


def test_a_target_that_is_not_there(tmp_path: Path):
    """A port without a server is a failed attempt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with target_of(url, tmp_path) as target:
        assert target.send("chg_1", BODY).reason == "nothing listens there"


def test_closing_ends_what_is_under_way(tmp_path: Path):
    """An attempt that waits for an answer fails as soon as the target is closed."""
    with target_with(lambda sock, _: server.stop.wait(30) and None, tmp_path, 30.0) as (target, server):
        attempts: list[Answer] = []
        thread = Thread(target=lambda: attempts.append(target.send("chg_1", BODY).answer))
        thread.start()
        eventually(lambda: server.requests)
        target.close()
        thread.join(PATIENCE_S)
        assert attempts == [Answer.FAILED]

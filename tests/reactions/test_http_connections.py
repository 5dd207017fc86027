"""Connections to HTTP targets: reused, bounded, and given up where a target breaks them."""

import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reactions import http_target
from reactions.http_connection import HttpConnection
from reactions.http_target import HttpTarget
from reactions.target import Answer, Attempt
from tests.cli.web_server import certificate
from tests.reactions.http_targets import BODY, OK, SECRET, target_of, target_with
from tests.reactions.raw_server import Handle, answers, headers_of, raw_server, resets, status
from tests.servers import PATIENCE_S, eventually

SHORT_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096


def requests_by_id(requests: Iterable[bytes]) -> Counter[str]:
    return Counter(headers_of(request)["webhook-id"] for request in requests)


def test_a_body_that_came_along_is_no_part_of_the_head():
    """However much of it waits to be received by then."""
    near, far = socket.socketpair()
    with near, far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        far.sendall(SHORT_HEAD + b"x" * 100_000)
        connection = HttpConnection(near, time.monotonic())
        assert connection.exchange(b"POST / HTTP/1.1\r\n\r\n", time.monotonic() + PATIENCE_S).status == 200
        assert not connection.is_reusable


def test_threads_share_a_target(tmp_path: Path):
    """Each has a connection to itself; every change is posted once, and no answer is another's."""

    def handle(sock: socket.socket, before: int) -> None:
        number = int(headers_of(server.requests[before])["webhook-id"].removeprefix("chg_"))
        sock.sendall(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (number, number, b"x" * number))

    with target_with(handle, tmp_path, concurrency=8) as (target, server), ThreadPoolExecutor(8) as threads:
        reasons = list(threads.map(lambda number: target.send(f"chg_{number}", BODY).reason, range(500, 700)))
        assert reasons == [f"status {number}" for number in range(500, 700)]
        assert server.connections <= 8
    assert requests_by_id(server.requests) == {f"chg_{number}": 1 for number in range(500, 700)}


def test_no_more_connections_are_kept_than_are_used_at_a_time(tmp_path: Path):
    """However many there were: the rest are closed."""
    barrier = threading.Barrier(6)

    def handle(sock: socket.socket, before: int) -> None:
        if before < 6:
            barrier.wait(PATIENCE_S)
        sock.sendall(OK)

    with target_with(handle, tmp_path, concurrency=2) as (target, server), ThreadPoolExecutor(6) as threads:
        attempts = list(threads.map(lambda number: target.send(f"chg_{number}", BODY), range(6)))
        assert [attempt.answer for attempt in attempts] == [Answer.ACCEPTED] * 6
        eventually(lambda: len(server.open) <= 2)
        assert target.send("chg_7", BODY).answer is Answer.ACCEPTED
        assert server.connections == 6
    eventually(lambda: not server.open)


@pytest.mark.parametrize("limit", ["IDLE_S", "LIFE_S"])
def test_old_connections_are_not_used(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither those that a target is about to close, nor those that hold on to an address."""
    monkeypatch.setattr(http_target, limit, -1.0)
    with target_with(answers(OK), tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(3)] == [Answer.ACCEPTED] * 3
        assert server.connections == 3
        eventually(lambda: len(server.open) <= 1)


def test_a_reset_is_a_failed_attempt(tmp_path: Path):
    """On a new connection: the request is not sent again at once."""
    with target_with(resets, tmp_path) as (target, server):
        assert target.send("chg_1", BODY) == Attempt(Answer.FAILED, "it closed the connection without an answer")
    assert len(server.requests) == 1


def test_a_reset_of_a_kept_connection_is_tried_once_more(tmp_path: Path):
    """And once only: the second reset fails the attempt."""

    def handle(sock: socket.socket, before: int) -> None:
        if before in (0, 2):
            sock.sendall(OK)
        else:
            resets(sock, before)

    with target_with(handle, tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
        assert target.send("chg_2", BODY).answer is Answer.FAILED
    assert requests_by_id(server.requests) == {"chg_1": 3, "chg_2": 2}


@pytest.mark.parametrize(
    "half",
    [b"H", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 100 Continue\r\n\r\n"],
)
def test_half_a_head_is_no_answer_and_no_second_delivery(half: bytes, tmp_path: Path):
    """Once a byte came the target has the request: it is not sent again at once, not even on a kept connection."""

    def handle(sock: socket.socket, before: int) -> None:
        sock.sendall(half if before else OK)
        if before:
            sock.close()

    with target_with(handle, tmp_path) as (target, server):
        assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
        assert target.send("chg_2", BODY).answer is Answer.FAILED
    assert requests_by_id(server.requests) == {"chg_1": 1, "chg_2": 1}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="no length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", id="endless length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="another coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", id="negative chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n", id="giant chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\r\n\r\n", id="trailers"),
        pytest.param(ENDLESS * 20, id="chunks beyond the limit"),
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", id="it will close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", id="HTTP 1.0"),
    ],
)  # fmt: skip
def test_a_body_without_a_clear_end_ends_its_connection(answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The change is accepted; what may follow is not taken for the next answer."""
    with target_with(answers(answer), tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
    assert server.connections == 2


@pytest.mark.parametrize("end", [socket.socket.close, lambda sock: resets(sock, 0)], ids=["closed", "reset"])
def test_half_a_body_changes_nothing(end: Callable[[socket.socket], None], tmp_path: Path):
    """What was answered is known before it; the change is not posted again."""

    def handle(sock: socket.socket, _: int) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        server.stop.wait(0.2)  # a reset drops what was not read
        end(sock)

    with target_with(handle, tmp_path) as (target, server):
        assert [target.send(f"chg_{number}", BODY).answer for number in range(2)] == [Answer.ACCEPTED] * 2
    assert requests_by_id(server.requests) == {"chg_0": 1, "chg_1": 1}


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"]
)
def test_interim_answers_are_passed_over(interim: bytes, tmp_path: Path):
    """The connection stays; a switch of protocols is no answer, for nobody asked for it."""
    with target_with(answers(interim, interim + OK), tmp_path) as (target, server):
        assert [target.send("chg_1", BODY).answer for _ in range(2)] == [Answer.ACCEPTED] * 2
    assert server.connections == 1
    with target_with(status(101), tmp_path) as (target, _):
        assert target.send("chg_1", BODY).reason == "status 101"


def test_an_answer_before_the_request_was_read_counts(tmp_path: Path):
    """A target may refuse a body that is too large for it without reading all of it."""
    body = b'"' + b"x" * 20_000_000 + b'"'

    def serve(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(100)
            sock.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):  # so that no reset overtakes the answer
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with target_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", tmp_path) as target:
            assert target.send("chg_1", body).reason == "status 413"
        thread.join(PATIENCE_S)


def test_a_target_that_reads_nothing_takes_no_more_than_its_time(tmp_path: Path):
    """Of a body that fits in no buffer; the listener never accepts."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        target_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", tmp_path, 0.5) as target,
    ):
        assert target.send("chg_1", b"x" * 20_000_000).reason == "no answer in time"


def test_a_closed_target_fails_without_a_request(tmp_path: Path):
    """What is under way as a process ends comes again later."""
    with target_with(answers(OK), tmp_path) as (target, server):
        assert target.send("chg_1", BODY).answer is Answer.ACCEPTED
        target.close()
        assert target.send("chg_2", BODY).answer is Answer.FAILED
    assert requests_by_id(server.requests) == {"chg_1": 1}


def _send(target: HttpTarget) -> str:
    return target.send("chg_1", BODY).reason


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(answers(b"HTTP/1.1 500 hush 127.0.0.1\r\nretry-after: hush\r\ncontent-length: 4\r\n\r\nhush"), id="status"),
        pytest.param(answers(b"HTTP/1.1 302 hush\r\nlocation: https://hush.example/\r\ncontent-length: 0\r\n\r\n"), id="redirect"),
        pytest.param(answers(b"hush\r\n" * 20, close=True), id="garbage"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\nhush\r\n\r\n", close=True), id="header"),
        pytest.param(answers(b"HTTP/1.1 410 hush\r\ncontent-length: 0\r\n\r\n"), id="gone"),
        pytest.param(resets, id="reset"),
    ],
)  # fmt: skip
def test_nothing_of_a_target_is_in_reasons_or_logs(handle: Handle, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """No host, path, query or text of its answers, nor anything that was sent; over TLS, too."""
    caplog.set_level(logging.DEBUG)
    with raw_server(handle) as server, target_of(server.url() + "&hush", tmp_path) as target:
        reasons = [_send(target), _send(target)]
        (tmp_path / "secret").write_text("whsec_hush")
        reasons.append(_send(target))
    with raw_server(handle, certificate(tmp_path, 30)) as server, target_of(server.url("https"), tmp_path) as target:
        reasons.append(_send(target))
    assert all(reasons)
    logged = "\n".join(reasons) + caplog.text
    for quoted in ("hush", "127.0.0.1", str(server.port), "/seven", "key=1", "ä", SECRET[6:]):
        assert quoted not in logged

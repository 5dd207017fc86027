"""Connections: slow, interrupted, surplus, pipelined and endless ones; the receiver survives all."""

import asyncio
import contextlib
import resource
import socket
import time
from pathlib import Path

import httpx2
import pytest

from ledger.client import Ledger
from tests.acceptance.edge.raw_http import (
    BODY,
    CHUNKED,
    CHUNKED_POST,
    CLOSE,
    PATIENCE_S,
    TOKEN,
    chunks,
    connect,
    exchange,
    post,
    receive_all,
    receive_answer,
    receive_json,
    statuses,
)
from tests.ingest.conftest import accepted
from tests.processes import Receiver
from tests.servers import eventually


def test_an_interrupted_request_leaves_nothing(receiver: Receiver, ledger: Ledger):
    """A client that disconnects in the head or body leaves no delivery."""
    whole = post()
    for size in range(1, len(whole), 7):
        with connect(receiver) as connection:
            connection.sendall(whole[:size])
            if size % 2:  # closes with a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert httpx2.post(f"{receiver.url}/hooks/{TOKEN}", content=BODY).status_code == 202
    assert len(accepted(ledger)) == 1


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(b"", [], id="nothing at all"),
        pytest.param(b"POST /hooks/x HTTP/1.1\r\nx: ", [], id="half a head"),
        pytest.param(post(BODY, b"content-length: 500", length=False), [503], id="half a body"),
        pytest.param(
            post(BODY, b"content-length: 500", length=False, path="/hooks/x"),
            [404],
            id="half a body without a valid token",
        ),
    ],
)
def test_a_slow_request_is_cut_off(receiver: Receiver, ledger: Ledger, first: bytes, expected: list[int]):
    """A byte now and then does not keep a connection open; with a valid token the answer is 503, to be retried."""
    with connect(receiver) as connection:
        connection.sendall(first)
        began = time.monotonic()
        connection.settimeout(0.2)
        answer, alive = b"", True
        while alive and time.monotonic() - began < 120:
            try:
                connection.sendall(b"y" if first else b"")
                part = connection.recv(4096)
                answer, alive = answer + part, bool(part)
            except TimeoutError:
                continue
            except OSError:
                alive = False
    assert not alive
    assert statuses(answer) == expected
    assert accepted(ledger) == {}


def test_a_slow_second_request_is_cut_off(receiver: Receiver):
    """A connection with an accepted delivery has no more time for its next head."""
    with connect(receiver) as connection:
        connection.sendall(post())
        assert statuses(receive_json(connection)) == [202]
        connection.sendall(b"POST ")
        assert receive_all(connection) == b""


def test_surplus_connections_of_one_address_are_closed(receiver: Receiver, ledger: Ledger):
    """The oldest without a valid token are closed; one that has sent a token stays, and new ones are served."""
    with connect(receiver) as good:
        good.sendall(post())
        assert statuses(receive_json(good)) == [202]
        idle = [connect(receiver) for _ in range(40)]
        try:
            for connection in idle:
                connection.sendall(b"GET")
            eventually(lambda: sum(is_closed(connection) for connection in idle) >= 32, PATIENCE_S * 5, 0.01)
            good.sendall(post())
            assert statuses(receive_json(good)) == [202]
            assert statuses(exchange(receiver, post(BODY, CLOSE))) == [202]
        finally:
            for connection in idle:
                connection.close()
    assert len(accepted(ledger)) == 3


def is_closed(connection: socket.socket) -> bool:
    """Whether the receiver has closed the connection."""
    try:
        return connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_file_descriptors_are_closed(receiver: Receiver):
    """After hundreds of connections few descriptors are open."""
    assert receiver.process
    directory = Path(f"/proc/{receiver.process.pid}/fd")
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200

    async def call() -> None:
        async with httpx2.AsyncClient() as client:
            requests = (client.get(f"{receiver.url}/hooks/x") for _ in range(100))
            await asyncio.gather(*requests, return_exceptions=True)  # surplus connections may be closed

    asyncio.run(call())
    eventually(lambda: len(list(directory.iterdir())) < 40)


UNKNOWN_HOOK = "/hooks/another-token-0123456789"


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(post(BODY, path=UNKNOWN_HOOK), id="an unknown token"),
        pytest.param(
            post(b"x\r\nupgrade: h2c\r\n" * 3000, path=UNKNOWN_HOOK), id="an unknown token and upgrades in the body"
        ),
        pytest.param(
            post(b"\r\nupgrade:" * 5000, path=UNKNOWN_HOOK), id="an unknown token and only upgrades in the body"
        ),
        pytest.param(
            post(chunks(*[b"\r\nUpgrade: x\r\n"] * 4000), CHUNKED, path=UNKNOWN_HOOK, length=False),
            id="the same in chunks",
        ),
        pytest.param(post(b"x" * 1_000_000, path=UNKNOWN_HOOK), id="an unknown token and a long body"),
        pytest.param(post(b"x" * 400_000, path="/"), id="a long body to an unknown path"),
        pytest.param(b"PUT" + post(b"x" * 300_000)[4:], id="an unknown method"),
        pytest.param(b"GET" + post(b"x" * 300_000)[4:], id="a GET with a body"),
        pytest.param(post(b"x" * 60_000), id="a delivery"),
    ],
)
@pytest.mark.parametrize("cut", [1, 40, 2000, 66_000, None])
def test_an_earlier_request_does_not_affect_the_next(receiver: Receiver, ledger: Ledger, first: bytes, cut: int | None):
    """On a connection that a proxy shares, the next request is answered as usual, or the connection ends."""
    with connect(receiver) as connection:
        ended = False
        try:
            for start in range(0, len(first), cut or len(first)) if cut != 1 else range(200):
                size = cut or len(first)
                connection.sendall(first[start : start + size] if cut != 1 or start < 199 else first[199:])
        except OSError:
            ended = True
        answer = receive_answer(connection)
        assert len(statuses(answer)) <= 1
        if ended or b"connection: close" in answer.lower() or not answer:
            return
        assert statuses(answer)[0] in (404, 405, 200, 202, 422)
        connection.sendall(post(BODY, b"x-next: 1"))
        assert statuses(receive_answer(connection)) == [202]
    assert len(accepted(ledger)) >= 1


@pytest.mark.parametrize("cut", [-1, 0, 3, 7])
def test_an_upgrade_in_two_pieces_is_retried(receiver: Receiver, ledger: Ledger, cut: int):
    """The parser loses its body, so the answer is 503; a 422 would be final."""
    request = post(BODY, b"connection: upgrade", b"upgrade: h2c")
    at = request.index(b"upgrade: h2c") + cut
    with connect(receiver) as connection:
        connection.sendall(request[:at])
        time.sleep(0.1)
        connection.sendall(request[at:])
        assert statuses(receive_all(connection)) in ([503], [202])
    assert all(isinstance(envelope.payload, dict) for envelope in accepted(ledger).values())


def test_few_requests_are_queued_on_one_connection(receiver: Receiver):
    """Thousands of pipelined requests take no memory."""
    before = receiver.memory_kib
    with connect(receiver) as connection:
        try:
            for _ in range(300):
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)
        except OSError:
            pass
        assert len(statuses(receive_all(connection))) < 100
    assert receiver.memory_kib - before < 20_000


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(b"POST /hooks/guessed HTTP/1.1\r\nhost: x\r\n", b"ab:\r\n", id="fields of a head"),
        pytest.param(CHUNKED_POST + b"\r\n0\r\n", b"ab:\r\n", id="trailers"),
        pytest.param(CHUNKED_POST + b"\r\n0\r\nab: ", b"y" * 16, id="one trailer"),
        pytest.param(CHUNKED_POST + b"\r\n1;", b"y" * 16, id="an extension of a chunk"),
        pytest.param(
            CHUNKED_POST.replace(TOKEN.encode(), b"guessed") + b"\r\n0\r\n",
            b"ab:\r\n",
            id="trailers without a valid token",
        ),
    ],
)
def test_endless_input_is_cut_off(receiver: Receiver, head: bytes, piece: bytes):
    """The connection ends long before small endless pieces fill the memory."""
    sent, limit = 0, 8 * 1024 * 1024
    with connect(receiver) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head)
        while sent < limit:
            sent += connection.send(piece * 4096)
        receive_all(connection)
    assert sent < limit

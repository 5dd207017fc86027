"""The edge of HTTP: whatever bytes come over a connection, the receiver lives, and answers what is right."""

import asyncio
import contextlib
import json
import re
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ledger.client import Ledger
from tests.ingest.conftest import accepted
from tests.processes import Receiver, running
from tests.servers import Valkey, eventually, valkey

TOKEN = "a-token-for-the-edge-0123456789"
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'
PATIENCE_S = 2
TOO_LONG = 65_536 - len(f"/hooks/{TOKEN}?")
"""Bytes of a query that make a URL longer, by one, than is parsed."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("edge-valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(broker: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """One receiver for all of them: it has to outlive each."""
    environment = {
        "REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_PATIENCE_S": str(PATIENCE_S), "SEVEN_STRANGER_CONNECTIONS": "8",
    }  # fmt: skip
    receiver = Receiver(tmp_path_factory.mktemp("edge"), environment)
    with running(receiver):
        yield receiver
        assert receiver.process
        assert receiver.process.poll() is None
        written = receiver.log.read_text()
        assert "Traceback" not in written
        assert "exception" not in written.lower()


@pytest.fixture
def ledger(broker: Valkey, receiver: Receiver) -> Iterator[Ledger]:
    with broker.client() as client:
        client.delete(*client.keys("seven:pending:*"), "seven:batches")
    ledger = Ledger(broker.url)
    yield ledger
    ledger.close()


def connect(receiver: Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=120)


def said(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    told = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return told
        if not part:
            return told
        told += part


def heard(connection: socket.socket) -> bytes:
    """One answer in JSON, whole."""
    told = b""
    while not told.endswith(b"}"):
        part = connection.recv(65536)
        assert part
        told += part
    return told


def exchange(receiver: Receiver, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send some bytes and no more, and hear all that is said."""
    with connect(receiver) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause_s)
        return said(connection)


def statuses(told: bytes) -> list[int]:
    """The status of each answer in what was said."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", told)]


def post(body: bytes = BODY, *headers: bytes, path: str = f"/hooks/{TOKEN}", length: bool = True) -> bytes:
    """One POST, whole."""
    told = [f"POST {path} HTTP/1.1".encode(), b"host: x", *headers]
    if length:
        told.append(b"content-length: %d" % len(body))
    return b"\r\n".join(told) + b"\r\n\r\n" + body


CLOSE = b"connection: close"
CHUNKED = b"transfer-encoding: chunked"


def chunks(*some: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in some) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("told", "expected", "kept"),
    [
        pytest.param([post(BODY, CLOSE)], [202], 1, id="a delivery"),
        pytest.param([bytes([one]) for one in post(BODY, CLOSE)], [202], 1, id="byte by byte"),
        pytest.param([post(chunks(BODY), CLOSE, CHUNKED, length=False)], [202], 1, id="in one chunk"),
        pytest.param([post(chunks(*(bytes([b]) for b in BODY)), CLOSE, CHUNKED, length=False)], [202], 1, id="in many chunks"),
        pytest.param([post() + post() + post(BODY, CLOSE)], [202, 202, 202], 3, id="pipelined"),
        pytest.param([post(b"x" * 20_000) * 9 + post(b"x" * 20_000, CLOSE)[:-9_000], b"x" * 9_000], [422] * 10, 10, id="pipelined, and the last in two"),
        pytest.param([post(BODY, b"expect: 100-continue", CLOSE)], [100, 202], 1, id="after a hundred"),
        pytest.param([post(BODY, b"connection: upgrade, close", b"upgrade: h2c")], [202], 1, id="an upgrade"),
        pytest.param([post(b"", CLOSE)], [422], 1, id="empty"),
        pytest.param([post(b"x" * 70_000, CLOSE)], [413], 1, id="too large"),
        pytest.param([post(chunks(*[b"x" * 1000] * 70), CLOSE, CHUNKED, length=False)], [413], 1, id="too large in chunks"),
        pytest.param([f"GET /hooks/{TOKEN}?a={'x' * 60_000} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()], [202], 1, id="a long query"),
        pytest.param([f"GET /hooks/{TOKEN}?a={'x' * 70_000} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()], [413], 1, id="a query that is too long"),
        pytest.param([f"GET /hooks/{TOKEN}?{'x' * TOO_LONG} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()], [413], 1, id="a URL just too long"),
        pytest.param([f"GET /hooks/{TOKEN}?a={'x' * 200_000}".encode(), *[b"x" * 200_000] * 5], [431], 0, id="an endless URL"),
        pytest.param([b"GET /livez HTTP/1.1\r\n", *[b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(200)]], [431], 0, id="endless headers"),
        pytest.param([b"GET /livez HTTP/1.1\r\nx: ", *[b"y" * 50_000] * 4], [431], 0, id="one endless header"),
        pytest.param([post(b"zz\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk of no size"),
        pytest.param([post(b"-1\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk of a negative size"),
        pytest.param([post(b"f" * 17 + b"\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk of an absurd size"),
        pytest.param([post(b"5\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk longer than it says"),
        pytest.param([post(BODY, b"content-length: 5")], [400], 0, id="two lengths"),
        pytest.param([post(chunks(BODY), CHUNKED)], [400], 0, id="a length and chunks"),
        pytest.param([post(BODY, b"transfer-encoding: chunked, identity", length=False)], [400], 0, id="chunked, and not last"),
        pytest.param([post(BODY, b"transfer-encoding : chunked")], [400], 0, id="a blank before the colon"),
        pytest.param([post(BODY, b"content-length: +5", length=False)], [400], 0, id="a signed length"),
        pytest.param([post(BODY, b"content-length: 0x10", length=False)], [400], 0, id="a length in hex"),
        pytest.param([post(BODY, b"x: a\nb: c")], [400], 0, id="a bare line feed"),
        pytest.param([post(BODY, b"x: a\x00b")], [400], 0, id="nul in a header"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], [400], 0, id="TLS"),
        pytest.param([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400], 0, id="HTTP/2"),
        pytest.param([b"hello\r\n\r\n"], [400], 0, id="no HTTP"),
        pytest.param([b"GET /hooks/\xff HTTP/1.1\r\nhost: x\r\n\r\n"], [400], 0, id="bytes in the path"),
        pytest.param([b"GET http://evil.example/livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"], [200], 0, id="an absolute URL"),
        pytest.param([b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n"], [400], 0, id="connect"),
        pytest.param([b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"], [404], 0, id="a path upwards"),
        pytest.param([post(BODY, CLOSE, path="/hooks/another-token-0123456789")], [404], 0, id="a stranger"),
        pytest.param([post(BODY, CLOSE, path="/")], [404], 0, id="no such path"),
    ],
)  # fmt: skip
def test_what_comes_is_answered(receiver: Receiver, ledger: Ledger, told: list[bytes], expected: list[int], kept: int):
    """By its bytes: whole deliveries are kept, however they are cut; what is no request, or two at once, is refused."""
    answer = exchange(receiver, *told)
    # who still sends when he is cut off may find the connection gone before he hears why
    assert statuses(answer) in ([expected, []] if expected == [431] else [expected])
    assert len(accepted(ledger)) == kept
    assert httpx2.get(f"{receiver.url}/livez").status_code == 200


def test_strangers_are_told_apart_by_nothing(receiver: Receiver):
    """A wrong token, no token and no such path: to the byte the same answer."""
    paths = [
        "/hooks/another-token-0123456789",
        f"/hooks/{TOKEN}x",
        "/hooks/",
        "/hooks",
        "/",
        "/metrics",
        "/x",
        "/hooks/a/b/c",
    ]
    answers = {exchange(receiver, post(BODY, CLOSE, path=path)).partition(b"date:")[2][31:] for path in paths}
    assert len(answers) == 1


def test_who_leaves_early_leaves_nothing(receiver: Receiver, ledger: Ledger):
    """In the head or in the body: half a delivery is none, and its sender comes again."""
    whole = post()
    for size in range(1, len(whole), 7):
        with connect(receiver) as connection:
            connection.sendall(whole[:size])
            if size % 2:  # with a reset instead of a farewell
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert httpx2.post(f"{receiver.url}/hooks/{TOKEN}", content=BODY).status_code == 202
    assert len(accepted(ledger)) == 1


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(b"", [], id="nothing at all"),
        pytest.param(b"POST /hooks/x HTTP/1.1\r\nx: ", [], id="half a head"),
        pytest.param(post(BODY, b"content-length: 500", length=False), [503], id="half a body"),
        pytest.param(post(BODY, b"content-length: 500", length=False, path="/hooks/x"), [404], id="a stranger's body"),
    ],
)
def test_who_is_slow_is_left(receiver: Receiver, ledger: Ledger, first: bytes, expected: list[int]):
    """A byte now and then does not keep a connection; to one with a token the answer says to come again."""
    with connect(receiver) as connection:
        connection.sendall(first)
        began = time.monotonic()
        connection.settimeout(0.2)
        told, alive = b"", True
        while alive and time.monotonic() - began < 120:
            try:
                connection.sendall(b"y" if first else b"")
                part = connection.recv(4096)
                told, alive = told + part, bool(part)
            except TimeoutError:
                continue
            except OSError:
                alive = False
    assert not alive
    assert statuses(told) == expected
    assert accepted(ledger) == {}


def test_a_slow_second_request_is_no_better(receiver: Receiver):
    """A connection that has proved to be good has no more time for its next head."""
    with connect(receiver) as connection:
        connection.sendall(post())
        assert statuses(heard(connection)) == [202]
        connection.sendall(b"POST ")
        assert said(connection) == b""


def test_many_connections_of_one_address_are_thinned_out(receiver: Receiver, ledger: Ledger):
    """The oldest that have proved nothing go; one that has brought a token stays, and new ones come through."""
    with connect(receiver) as good:
        good.sendall(post())
        assert statuses(heard(good)) == [202]
        idle = [connect(receiver) for _ in range(40)]
        try:
            for connection in idle:
                connection.sendall(b"GET")
            eventually(lambda: sum(is_closed(one) for one in idle) >= 32, PATIENCE_S * 5, 0.01)
            good.sendall(post())
            assert statuses(heard(good)) == [202]
            assert statuses(exchange(receiver, post(BODY, CLOSE))) == [202]
        finally:
            for connection in idle:
                connection.close()
    assert len(accepted(ledger)) == 3


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed."""
    try:
        return connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_no_token_is_believed_for_a_header_of_its_own(receiver: Receiver, ledger: Ledger):
    """Whoever is no listed proxy cannot say where he comes from, on this machine neither."""
    answer = httpx2.post(
        f"{receiver.url}/hooks/{TOKEN}",
        content=BODY,
        headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=1.1.1.1"},
    )
    assert accepted(ledger)[answer.json()["id"]].source == "127.0.0.1"


def test_descriptors_are_given_back(receiver: Receiver):
    """After all of that, hundreds of connections later, few are open."""
    assert receiver.process
    directory = Path(f"/proc/{receiver.process.pid}/fd")
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200

    async def call() -> None:
        async with httpx2.AsyncClient() as client:
            asked = (client.get(f"{receiver.url}/hooks/x") for _ in range(100))
            await asyncio.gather(*asked, return_exceptions=True)  # some may be thinned out while they wait their turn

    asyncio.run(call())
    eventually(lambda: len(list(directory.iterdir())) < 40)


def test_its_answers_are_json(receiver: Receiver):
    """What a sender with a token is told, a program can read."""
    answer = exchange(receiver, post(BODY, CLOSE))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["outcome"] == "accepted"


STRANGERS = "/hooks/another-token-0123456789"


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(post(BODY, path=STRANGERS), id="a stranger"),
        pytest.param(post(b"x\r\nupgrade: h2c\r\n" * 3000, path=STRANGERS), id="a stranger with upgrades in his body"),
        pytest.param(post(b"\r\nupgrade:" * 5000, path=STRANGERS), id="a stranger with nothing else in it"),
        pytest.param(post(chunks(*[b"\r\nUpgrade: x\r\n"] * 4000), CHUNKED, path=STRANGERS, length=False), id="the same in chunks"),
        pytest.param(post(b"x" * 1_000_000, path=STRANGERS), id="a stranger's long body"),
        pytest.param(post(b"x" * 400_000, path="/"), id="a long body to nowhere"),
        pytest.param(b"PUT" + post(b"x" * 300_000)[4:], id="a method that is none"),
        pytest.param(b"GET" + post(b"x" * 300_000)[4:], id="a body where none belongs"),
        pytest.param(post(b"x" * 60_000), id="a delivery"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cut", [1, 40, 2000, 66_000, None])
def test_what_came_before_is_in_nobodys_way(receiver: Receiver, ledger: Ledger, first: bytes, cut: int | None):
    """As a proxy sends it: one connection for all. Either it goes on, and the next is answered as ever, or it has ended."""
    with connect(receiver) as connection:
        ended = False
        try:
            for start in range(0, len(first), cut or len(first)) if cut != 1 else range(200):
                size = cut or len(first)
                connection.sendall(first[start : start + size] if cut != 1 or start < 199 else first[199:])
        except OSError:
            ended = True
        told = answered(connection)
        assert len(statuses(told)) <= 1
        if ended or b"connection: close" in told.lower() or not told:
            return
        assert statuses(told)[0] in (404, 405, 200, 202, 422)
        connection.sendall(post(BODY, b"x-next: 1"))
        told = answered(connection)
        assert statuses(told) == [202]
    assert len(accepted(ledger)) >= 1


def answered(connection: socket.socket) -> bytes:
    """One answer, whole, by its length."""
    told = b""
    connection.settimeout(5)
    while True:
        try:
            part = connection.recv(65536)
        except OSError:
            return told
        told += part
        head, end, body = told.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if not part or (end and length and len(body) >= int(length[1])):
            return told


@pytest.mark.parametrize("cut", [-1, 0, 3, 7])
def test_an_upgrade_in_two_pieces_is_to_come_again(receiver: Receiver, ledger: Ledger, cut: int):
    """Its body is lost to the parser: 503, never a 422, which would be final."""
    told = post(BODY, b"connection: upgrade", b"upgrade: h2c")
    at = told.index(b"upgrade: h2c") + cut
    with connect(receiver) as connection:
        connection.sendall(told[:at])
        time.sleep(0.1)
        connection.sendall(told[at:])
        assert statuses(said(connection)) in ([503], [202])
    assert all(isinstance(one.payload, dict) for one in accepted(ledger).values())


def test_few_requests_wait_on_one_connection(receiver: Receiver):
    """Thousands told ahead are a fault of their sender: they take no memory."""
    before = receiver.memory_kib
    with connect(receiver) as connection:
        try:
            for _ in range(300):
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)
        except OSError:
            pass
        assert len(statuses(said(connection))) < 100
    assert receiver.memory_kib - before < 20_000


def test_a_handshake_is_not_logged(receiver: Receiver):
    """By whoever, in one piece or in two."""
    size = receiver.log.stat().st_size
    told = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    assert statuses(exchange(receiver, told)) == [404]
    assert statuses(exchange(receiver, told[:60], told[60:], pause_s=0.1)) == [404]
    assert receiver.log.stat().st_size == size


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_more_slashes_than_one_lead_to_the_hook(receiver: Receiver, ledger: Ledger, slashes: str):
    """As from a proxy that joins a path to one of its own; the parser would take what follows for a host."""
    assert statuses(exchange(receiver, post(path=f"{slashes}hooks/{TOKEN}"))) == [202]
    assert len(accepted(ledger)) == 1


CHUNKED_POST = f"POST /hooks/{TOKEN} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()


def test_a_trailer_is_no_header(receiver: Receiver, ledger: Ledger):
    """What follows a chunked body changes nothing of the head, such as whom a proxy named as the source."""
    trailers = b"0\r\nX-Forwarded-For: 203.0.113.9\r\nX-Seven-Ingest-Test: 1\r\n\r\n"
    size = b"%x\r\n" % len(BODY)
    said_ = exchange(receiver, CHUNKED_POST + b"x-forwarded-for: 198.51.100.7\r\n\r\n", size + BODY + b"\r\n", trailers)
    assert statuses(said_) == [202]
    (envelope,) = accepted(ledger).values()
    assert envelope.source != "203.0.113.9"
    assert ledger.redis.hgetall("seven:tokens")  # else it would count as a test of our own


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(b"POST /hooks/guessed HTTP/1.1\r\nhost: x\r\n", b"ab:\r\n", id="fields of a head"),
        pytest.param(CHUNKED_POST + b"\r\n0\r\n", b"ab:\r\n", id="trailers"),
        pytest.param(CHUNKED_POST + b"\r\n0\r\nab: ", b"y" * 16, id="one trailer"),
        pytest.param(CHUNKED_POST + b"\r\n1;", b"y" * 16, id="an extension of a chunk"),
        pytest.param(
            CHUNKED_POST.replace(TOKEN.encode(), b"guessed") + b"\r\n0\r\n", b"ab:\r\n", id="a stranger's trailers"
        ),
    ],
)
def test_what_has_no_end_is_cut_off(receiver: Receiver, head: bytes, piece: bytes):
    """However small its pieces are: the connection ends long before they fill the memory."""
    sent, most = 0, 8 * 1024 * 1024
    with connect(receiver) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head)
        while sent < most:
            sent += connection.send(piece * 4096)
        said(connection)
    assert sent < most


def test_200_fields_are_enough_for_everybody(receiver: Receiver, ledger: Ledger):
    """And a large body in the smallest chunks is one all the same."""
    many = b"".join(b"x-%d: 1\r\n" % n for n in range(150))
    assert statuses(exchange(receiver, post(BODY, many.rstrip()))) == [202]
    small = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY * 1)
    assert statuses(exchange(receiver, CHUNKED_POST + b"\r\n", small, b"0\r\n\r\n")) == [202]
    assert len(accepted(ledger)) == 2

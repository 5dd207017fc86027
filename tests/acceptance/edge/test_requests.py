"""Requests: whatever bytes a request has, the receiver answers correctly."""

import json

import httpx2
import pytest

from ledger.client import Ledger
from tests.acceptance.edge.raw_http import BODY, CHUNKED, CHUNKED_POST, CLOSE, TOKEN, chunks, exchange, post, statuses
from tests.ingest.conftest import accepted
from tests.processes import Receiver

TOO_LONG = 65_536 - len(f"/hooks/{TOKEN}?")
"""Bytes of a query that make a URL one byte too long to be parsed."""


@pytest.mark.parametrize(
    ("parts", "expected", "kept"),
    [
        pytest.param([post(BODY, CLOSE)], [202], 1, id="a delivery"),
        pytest.param([bytes([byte]) for byte in post(BODY, CLOSE)], [202], 1, id="byte by byte"),
        pytest.param([post(chunks(BODY), CLOSE, CHUNKED, length=False)], [202], 1, id="in one chunk"),
        pytest.param(
            [post(chunks(*(bytes([b]) for b in BODY)), CLOSE, CHUNKED, length=False)], [202], 1, id="in many chunks"
        ),
        pytest.param([post() + post() + post(BODY, CLOSE)], [202, 202, 202], 3, id="pipelined"),
        pytest.param(
            [post(b"x" * 20_000) * 9 + post(b"x" * 20_000, CLOSE)[:-9_000], b"x" * 9_000],
            [422] * 10,
            10,
            id="pipelined, and the last in two",
        ),
        pytest.param([post(BODY, b"expect: 100-continue", CLOSE)], [100, 202], 1, id="expecting 100"),
        pytest.param([post(BODY, b"connection: upgrade, close", b"upgrade: h2c")], [202], 1, id="an upgrade"),
        pytest.param([post(BODY, b"CONNECTION: UPGRADE, CLOSE", b"UPGRADE: H2C")], [202], 1, id="one in capitals"),
        pytest.param([post(BODY, b"connection: upgrade, close", b"uPgRaDe: h2c")], [202], 1, id="one in odd case"),
        pytest.param([post(b"", CLOSE)], [422], 1, id="empty"),
        pytest.param([post(b"x" * 70_000, CLOSE)], [413], 1, id="too large"),
        pytest.param(
            [post(chunks(*[b"x" * 1000] * 70), CLOSE, CHUNKED, length=False)], [413], 1, id="too large in chunks"
        ),
        pytest.param(
            [f"GET /hooks/{TOKEN}?a={'x' * 60_000} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()],
            [202],
            1,
            id="a long query",
        ),
        pytest.param(
            [f"GET /hooks/{TOKEN}?a={'x' * 70_000} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()],
            [413],
            1,
            id="a query that is too long",
        ),
        pytest.param(
            [f"GET /hooks/{TOKEN}?{'x' * TOO_LONG} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()],
            [413],
            1,
            id="a URL just too long",
        ),
        pytest.param(
            [f"GET /hooks/{TOKEN}?a={'x' * 200_000}".encode(), *[b"x" * 200_000] * 5], [431], 0, id="an endless URL"
        ),
        pytest.param(
            [b"GET /livez HTTP/1.1\r\n", *[b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(200)]],
            [431],
            0,
            id="endless headers",
        ),
        pytest.param([b"GET /livez HTTP/1.1\r\nx: ", *[b"y" * 50_000] * 4], [431], 0, id="one endless header"),
        pytest.param([post(b"zz\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk without a size"),
        pytest.param([post(b"-1\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk of a negative size"),
        pytest.param(
            [post(b"f" * 17 + b"\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk of an absurd size"
        ),
        pytest.param([post(b"5\r\n" + BODY, CHUNKED, length=False)], [400], 0, id="a chunk longer than it says"),
        pytest.param([post(BODY, b"content-length: 5")], [400], 0, id="two lengths"),
        pytest.param([post(chunks(BODY), CHUNKED)], [400], 0, id="a length and chunks"),
        pytest.param(
            [post(BODY, b"transfer-encoding: chunked, identity", length=False)], [400], 0, id="chunked, but not last"
        ),
        pytest.param([post(BODY, b"transfer-encoding : chunked")], [400], 0, id="a blank before the colon"),
        pytest.param([post(BODY, b"content-length: +5", length=False)], [400], 0, id="a signed length"),
        pytest.param([post(BODY, b"content-length: 0x10", length=False)], [400], 0, id="a length in hex"),
        pytest.param([post(BODY, b"x: a\nb: c")], [400], 0, id="a bare line feed"),
        pytest.param([post(BODY, b"x: a\x00b")], [400], 0, id="nul in a header"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], [400], 0, id="TLS"),
        pytest.param([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400], 0, id="HTTP/2"),
        pytest.param([b"hello\r\n\r\n"], [400], 0, id="not HTTP"),
        pytest.param([b"GET /hooks/\xff HTTP/1.1\r\nhost: x\r\n\r\n"], [400], 0, id="bytes in the path"),
        pytest.param(
            [b"GET http://evil.example/livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"],
            [200],
            0,
            id="an absolute URL",
        ),
        pytest.param([b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n"], [400], 0, id="connect"),
        pytest.param(
            [b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"],
            [404],
            0,
            id="a path upwards",
        ),
        pytest.param([post(BODY, CLOSE, path="/hooks/another-token-0123456789")], [404], 0, id="an unknown token"),
        pytest.param([post(BODY, CLOSE, path="/")], [404], 0, id="no such path"),
    ],
)
def test_every_request_is_answered(
    receiver: Receiver, ledger: Ledger, parts: list[bytes], expected: list[int], kept: int
):
    """Whole deliveries are kept, however their bytes are split; invalid and ambiguous requests are refused."""
    answer = exchange(receiver, *parts)
    # a client that still sends when it is cut off may lose the connection before it reads the answer
    assert statuses(answer) in ([expected, []] if expected == [431] else [expected])
    assert len(accepted(ledger)) == kept
    assert httpx2.get(f"{receiver.url}/livez").status_code == 200


def test_requests_without_a_valid_token_get_the_same_answer(receiver: Receiver):
    """A wrong token, no token and an unknown path get byte for byte the same answer."""
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


def test_forwarding_headers_of_unlisted_clients_are_ignored(receiver: Receiver, ledger: Ledger):
    """A client that is no listed proxy cannot set its source, not even on this machine."""
    answer = httpx2.post(
        f"{receiver.url}/hooks/{TOKEN}",
        content=BODY,
        headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=1.1.1.1"},
    )
    assert accepted(ledger)[answer.json()["id"]].source == "127.0.0.1"


def test_answers_are_json(receiver: Receiver):
    """A sender with a valid token gets JSON."""
    answer = exchange(receiver, post(BODY, CLOSE))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["outcome"] == "accepted"


def test_a_handshake_is_not_logged(receiver: Receiver):
    """A WebSocket handshake, in one piece or in two, adds no line to the log."""
    size = receiver.log.stat().st_size
    handshake = (
        b"GET / HTTP/1.1\r\n"
        b"host: x\r\n"
        b"connection: upgrade, close\r\n"
        b"upgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"\r\n"
    )
    assert statuses(exchange(receiver, handshake)) == [404]
    assert statuses(exchange(receiver, handshake[:60], handshake[60:], pause_s=0.1)) == [404]
    assert receiver.log.stat().st_size == size


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_repeated_slashes_lead_to_the_hook(receiver: Receiver, ledger: Ledger, slashes: str):
    """A proxy may join paths so; the parser would take the next segment for a host."""
    assert statuses(exchange(receiver, post(path=f"{slashes}hooks/{TOKEN}"))) == [202]
    assert len(accepted(ledger)) == 1


def test_a_trailer_is_not_a_header(receiver: Receiver, ledger: Ledger):
    """Trailers of a chunked body do not change its headers, such as the source that a proxy names."""
    trailers = b"0\r\nX-Forwarded-For: 203.0.113.9\r\nX-Seven-Ingest-Test: 1\r\n\r\n"
    size = b"%x\r\n" % len(BODY)
    answer = exchange(
        receiver, CHUNKED_POST + b"x-forwarded-for: 198.51.100.7\r\n\r\n", size + BODY + b"\r\n", trailers
    )
    assert statuses(answer) == [202]
    (envelope,) = accepted(ledger).values()
    assert envelope.source != "203.0.113.9"
    assert ledger.redis.hgetall("seven:tokens")  # it does not count as a test of our own


def test_200_header_fields_are_allowed(receiver: Receiver, ledger: Ledger):
    """A request with many header fields, and a body in one-byte chunks, are accepted."""
    many = b"".join(b"x-%d: 1\r\n" % n for n in range(150))
    assert statuses(exchange(receiver, post(BODY, many.rstrip()))) == [202]
    small = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    assert statuses(exchange(receiver, CHUNKED_POST + b"\r\n", small, b"0\r\n\r\n")) == [202]
    assert len(accepted(ledger)) == 2

"""HTTP: a real receiver survives broken requests, cut anywhere, and sends only valid answers."""

import re
import socket
from collections.abc import Iterator

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import BYTES
from tests.processes import Receiver, running
from tests.servers import PATIENCE_S, valkey

TOKEN = "a-token-for-the-fuzz-0123456789"
STATUSES = {100, 200, 202, 400, 404, 405, 413, 422, 431, 503}
PIECES = [
    b"POST ", b"GET ", b"HEAD ", b"/hooks/" + TOKEN.encode(), b"/dlr", b"?a=1", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n",
    b"\n", b"\r", b"host: x\r\n", b"content-length: 5\r\n", b"content-length: 99999\r\n", b"content-length: -1\r\n",
    b"transfer-encoding: chunked\r\n", b"transfer-encoding: gzip, chunked\r\n", b"connection: close\r\n",
    b"connection: keep-alive, upgrade\r\n", b"upgrade: h2c\r\n", b"expect: 100-continue\r\n", b"x: y\r\n", b": \r\n", b" folded\r\n",
    b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"0;x=y\r\n\r\n", b"\x00", b"\xff", b"hello", b"{}", b"a=b",
]  # fmt: skip
REQUESTS = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
WELL_FORMED = st.builds(
    lambda body, token: b"POST /hooks/%s HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (token, len(body), body),
    BYTES, st.sampled_from([TOKEN.encode(), b"unknown"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    directory = tmp_path_factory.mktemp("fuzz")
    with valkey(directory, "--maxmemory", "64mb") as broker:
        environment = {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
                "SEVEN_STRANGER_RATE": "100000", "SEVEN_PATIENCE_S": "2", "SEVEN_PARKED_MOST": "100"}  # fmt: skip
        receiver = Receiver(directory, environment)
        with running(receiver):
            yield receiver
            assert "Traceback" not in receiver.log.read_text()
            assert "exception" not in receiver.log.read_text().lower()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    sent=REQUESTS | WELL_FORMED | st.lists(WELL_FORMED, max_size=4).map(b"".join) | st.binary(max_size=300),
    cut=st.integers(0, 400),
)
@example(sent=b"POST /hooks/%s HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}no HTTP\r\n\r\n" % TOKEN.encode(), cut=0)
@example(sent=b"POST /hooks/x HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}", cut=0)
def test_every_answer_is_valid(receiver: Receiver, sent: bytes, cut: int):
    """Answers begin with a status line of a known status, and the receiver stays alive."""
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=PATIENCE_S) as connection:
        answer = b""
        try:
            connection.sendall(sent[:cut])
            connection.sendall(sent[cut:])
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError:  # the receiver closed the connection
            pass
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    assert set(statuses) <= STATUSES | {429}
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert httpx2.get(f"{receiver.url}/livez").status_code == 200

"""Status server: metrics, liveness and readiness of a process."""

import errno
import socket
import struct

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter

from runtime.status_server import start_status_server
from tests.loopbacks import LOOPBACKS
from tests.servers import eventually, free_port


def test_metrics_and_probes_are_served():
    """Probes answer 200 without reasons and 503 with them; any other path is not found."""
    port, reasons = free_port(), []
    registry = CollectorRegistry()
    Counter("events", "Events.", registry=registry).inc(3)
    start_status_server(f"127.0.0.1:{port}", registry, alive=lambda: reasons[1:], ready=lambda: reasons)

    def ask(path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{port}{path}")

    assert ask("/readyz").json() == {"ready": True, "hindrances": []}
    assert ask("/livez").json() == {"alive": True, "hindrances": []}
    assert "events_total 3.0" in ask("/metrics").text
    assert "process_resident_memory_bytes" in ask("/metrics").text
    assert ask("/elsewhere").status_code == 404
    reasons += ["one", "two"]
    assert (ask("/readyz").status_code, ask("/readyz").json()["hindrances"]) == (503, ["one", "two"])
    assert (ask("/livez").status_code, ask("/livez").json()["hindrances"]) == (503, ["two"])


def test_an_address_in_use_is_bound_later():
    """The process works without the server, and binds the address once it is free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        start_status_server(f"127.0.0.1:{port}", CollectorRegistry())

    def answers() -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        except httpx2.TransportError:
            return False

    eventually(answers)


def test_every_address_is_of_both_families():
    """By the unspecified address of IPv6, whatever the system makes of it by default."""
    port = free_port()
    start_status_server(f"[::]:{port}", CollectorRegistry())

    assert {httpx2.get(f"http://{host}:{port}/livez").status_code for host in LOOPBACKS} == {200}


def test_every_address_is_that_of_ipv4_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch):
    """A kernel without IPv6 makes no IPv6 socket."""
    own = socket.socket

    def without_ipv6(family: int = socket.AF_INET, *more: int, **named: int | None) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return own(family, *more, **named)

    port = free_port()
    monkeypatch.setattr(socket, "socket", without_ipv6)
    start_status_server(f"[::]:{port}", CollectorRegistry())
    monkeypatch.undo()

    assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200


def test_without_an_address_there_is_no_server():
    """None as the address is accepted."""
    start_status_server(None, CollectorRegistry())


def test_a_client_that_hangs_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]):
    """A scraper that resets its connection leaves no traceback, and later requests are answered."""
    port = free_port()
    start_status_server(f"127.0.0.1:{port}", CollectorRegistry())
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by a reset
    for _ in range(5):
        assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    assert "Traceback" not in "".join(capfd.readouterr())

"""Where a process tells how it stands: figures, that it lives, and whether it could work."""

import socket
import struct

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter

from runtime.status_server import listen
from tests.servers import eventually, free_port


def test_it_tells_what_it_is_asked():
    """200 while nothing hinders, 503 with the reasons while something does; anything else is not there."""
    port, found = free_port(), []
    registry = CollectorRegistry()
    Counter("said", "Words said.", registry=registry).inc(3)
    listen(f"127.0.0.1:{port}", registry, alive=lambda: found[1:], ready=lambda: found)

    def ask(path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{port}{path}")

    assert ask("/readyz").json() == {"ready": True, "hindrances": []}
    assert ask("/livez").json() == {"alive": True, "hindrances": []}
    assert "said_total 3.0" in ask("/metrics").text
    assert "process_resident_memory_bytes" in ask("/metrics").text
    assert ask("/elsewhere").status_code == 404
    found += ["one", "two"]
    assert (ask("/readyz").status_code, ask("/readyz").json()["hindrances"]) == (503, ["one", "two"])
    assert (ask("/livez").status_code, ask("/livez").json()["hindrances"]) == (503, ["two"])


def test_an_address_that_is_taken_is_had_later():
    """It is no reason not to work; once whoever has it ends, it is ours."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        listen(f"127.0.0.1:{port}", CollectorRegistry())

    def answers() -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        except httpx2.TransportError:
            return False

    eventually(answers)


def test_nowhere_is_nowhere():
    """No address, no thread."""
    listen(None, CollectorRegistry())


def test_who_hangs_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]):
    """A scraper that resets its connection is none of our faults: nothing is written, and others are answered."""
    port = free_port()
    listen(f"127.0.0.1:{port}", CollectorRegistry())
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as hasty:
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by a reset
    for _ in range(5):
        assert httpx2.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    assert "Traceback" not in "".join(capfd.readouterr())

"""A real HAProxy in front of two receivers, by the example in deploy/; tests are skipped where it is not installed."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.processes import ROOT, Receiver
from tests.servers import eventually, free_port

EXAMPLE = ROOT / "deploy/proxy/haproxy.cfg"


@contextmanager
def haproxy(directory: Path, receivers: Sequence[Receiver]) -> Iterator[str]:
    """Balance the load of two receivers for the length of a block; yields the URL."""
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("no haproxy on this machine (Debian: haproxy)")
    port, file = free_port(), directory / "haproxy.cfg"
    text = EXAMPLE.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text = text.replace("option redispatch", "retries 0")  # a balancer that repeats would hide what a receiver refuses
    for number, receiver in enumerate(receivers, 1):
        text = text.replace(f"127.0.0.1:800{number}", f"127.0.0.1:{receiver.port}")
    file.write_text(text)
    with (
        (directory / "haproxy.log").open("wb") as log,
        subprocess.Popen([program, "-db", "-f", str(file)], stdout=log, stderr=log) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: process.poll() is None and _answers(url))
            yield url
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz").status_code == 200
    except httpx2.TransportError:
        return False

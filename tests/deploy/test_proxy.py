"""The proxy, a real Caddy with our files: whatever way a delivery comes, it is a delivery; nothing else answers."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import TOKEN
from tests.deploy.tools import tool
from tests.processes import Receiver, running
from tests.servers import PATIENCE_S, eventually, free_port

FILES = Path(__file__).parents[2] / "deploy/proxy"
DLR = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}


class Proxy:
    """Caddy; only where it listens, and where the others are, is the test's."""

    def __init__(self, directory: Path, receiver: Receiver) -> None:
        self.plain, self.flower, self.http, self.https = (free_port() for _ in range(4))
        self.log = directory / "caddy.log"
        replaced = {
            "ingest:8000": f"127.0.0.1:{receiver.port}", ":8000 {": f":{self.plain} {{", ":5555 {": f":{self.flower} {{",
            "http_port 8080": f"http_port {self.http}", "https_port 8443": f"https_port {self.https}",
        }  # fmt: skip
        for file in FILES.glob("Caddyfile*"):
            told = file.read_text()
            for old, new in replaced.items():
                told = told.replace(old, new)
            (directory / file.name).write_text(told)
        self.command = [tool("caddy"), "run", "--config", str(directory / "Caddyfile.tls")]
        self.environment = {"PROXY_DOMAIN": "localhost", "XDG_DATA_HOME": str(directory), "HOME": str(directory)}


@pytest.fixture
def proxy(redis_url: str, tmp_path: Path) -> Iterator[Proxy]:
    receiver = Receiver(tmp_path, {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        proxy = Proxy(tmp_path, receiver)
        with proxy.log.open("wb") as log:
            process = subprocess.Popen(proxy.command, env=proxy.environment, stdout=log, stderr=log)
        try:
            eventually(lambda: answered(f"http://127.0.0.1:{proxy.plain}/livez") == 200)
            yield proxy
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def answered(url: str, host: str | None = None, **told: object) -> int:
    """The status of the answer; 0 for none."""
    headers = {"Host": host} if host else {}
    try:
        with httpx2.Client(verify=False, timeout=15) as client:  # its certificate is its own here
            return client.request("POST" if told else "GET", url, headers=headers, **told).status_code  # type: ignore[arg-type]
    except httpx2.TransportError:
        return 0


def test_a_delivery_is_a_delivery_whichever_way_it_comes(proxy: Proxy):
    """By its name and by any other, with TLS and without: never a redirect, never a 200 for what nobody stored."""
    hook = f"/hooks/{TOKEN}"
    ways = [
        (f"http://127.0.0.1:{proxy.plain}", None),
        *((f"http://127.0.0.1:{proxy.http}", h) for h in (None, "other")),
    ]
    ways += [(f"https://localhost:{proxy.https}", host) for host in ("localhost", "other.example.com")]

    assert [answered(base + hook, host, json=DLR) for base, host in ways] == [202] * len(ways)
    assert [answered(base + "/hooks/wrong", host, json=DLR) for base, host in ways] == [404] * len(ways)


def test_nothing_else_answers(proxy: Proxy):
    """Neither other paths of the receiver nor what Flower would tell without a password."""
    for path in ("/", "/metrics", "/hooks"):
        assert answered(f"http://127.0.0.1:{proxy.plain}{path}") == 404
    for path in ("/metrics", "/healthcheck", "/api/workers", "/api/task/async-apply/sweep"):
        assert answered(f"http://127.0.0.1:{proxy.flower}{path}") == 404


def test_it_writes_no_path(proxy: Proxy):
    """Not even of a request that fails: the token is in it, and a query's numbers."""
    assert answered(f"http://127.0.0.1:{proxy.flower}/tasks?number=4917612345678") == 502  # no Flower runs here
    answered(f"http://127.0.0.1:{proxy.plain}/hooks/{TOKEN}?sender=4917612345678")

    assert not re.search(f"4917612345678|{TOKEN}", proxy.log.read_text())

"""The proxy, a real Caddy with our files: deliveries are accepted on every address, the console asks for a password."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import TOKEN
from tests.console.conftest import ANNA, LOGINS
from tests.deploy.tools import tool
from tests.processes import Console, Receiver, running
from tests.servers import PATIENCE_S, eventually, free_port

FILES = Path(__file__).parents[2] / "deploy/proxy"
DLR = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}


class Proxy:
    """Caddy with our files, except for ports and upstream addresses."""

    def __init__(self, directory: Path, receiver: Receiver, console: Console | None = None) -> None:
        self.plain, self.flower, self.console, self.http, self.https = (free_port() for _ in range(5))
        self.log = directory / "caddy.log"
        replaced = {
            "ingest:8000": f"127.0.0.1:{receiver.port}", ":8000 {": f":{self.plain} {{", ":5555 {": f":{self.flower} {{",
            "console:8090": f"127.0.0.1:{console.port if console else 1}", ":8090 {": f":{self.console} {{",
            "http_port 8080": f"http_port {self.http}", "https_port 8443": f"https_port {self.https}",
        }  # fmt: skip
        for file in FILES.glob("Caddyfile*"):
            text = file.read_text()
            for old, new in replaced.items():
                text = text.replace(old, new)
            (directory / file.name).write_text(text)
        self.command = [tool("caddy"), "run", "--config", str(directory / "Caddyfile.tls")]
        self.environment = {"PROXY_DOMAIN": "localhost", "XDG_DATA_HOME": str(directory), "HOME": str(directory)}


@pytest.fixture
def console(redis_url: str, tmp_path: Path) -> Console:
    """With a login, and trusting the proxy, as in compose."""
    environment = {"REDIS_URL": redis_url, "SEVEN_DATA_DIR": str(tmp_path), "SEVEN_METRICS_ADDRESS": "off"}
    return Console(tmp_path, environment | {"SEVEN_CONSOLE_AUTH": LOGINS, "SEVEN_TRUSTED_PROXIES": "127.0.0.0/8"})


@pytest.fixture
def proxy(redis_url: str, tmp_path: Path, console: Console) -> Iterator[Proxy]:
    settings = {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_PUBLIC_URL": "https://localhost/below/a/path"}
    receiver = Receiver(tmp_path, settings | {"SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver, console):
        proxy = Proxy(tmp_path, receiver, console)
        with proxy.log.open("wb") as log:
            process = subprocess.Popen(proxy.command, env=proxy.environment, stdout=log, stderr=log)
        try:
            eventually(lambda: status_of(f"http://127.0.0.1:{proxy.plain}/livez") == 200)
            yield proxy
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def status_of(url: str, host: str | None = None, **request: object) -> int:
    """The status of the answer; 0 without an answer."""
    headers = {"Host": host} if host else {}
    try:
        with httpx2.Client(verify=False, timeout=15) as client:  # a self-signed certificate
            return client.request("POST" if request else "GET", url, headers=headers, **request).status_code  # type: ignore[arg-type]
    except httpx2.TransportError:
        return 0


def test_deliveries_are_accepted_on_every_address(proxy: Proxy):
    """By any host name, with and without TLS: 202 or 404, never a redirect, never a 200 for a delivery that is not stored."""
    hook = f"/hooks/{TOKEN}"
    addresses = [
        (f"http://127.0.0.1:{proxy.plain}", None),
        *((f"http://127.0.0.1:{proxy.http}", h) for h in (None, "other")),
    ]
    addresses += [(f"https://localhost:{proxy.https}", host) for host in ("localhost", "other.example.com")]

    assert [status_of(base + hook, host, json=DLR) for base, host in addresses] == [202] * len(addresses)
    assert [status_of(base + "/hooks/wrong", host, json=DLR) for base, host in addresses] == [404] * len(addresses)


def test_deliveries_are_accepted_below_the_path_of_the_public_url(proxy: Proxy):
    """What `hooks apply` registers there comes through; no other path does."""
    base = f"http://127.0.0.1:{proxy.plain}"
    hook = f"/hooks/{TOKEN}"
    assert [status_of(f"{base}{path}{hook}", json=DLR) for path in ("/below/a/path", "/elsewhere")] == [202, 404]


def test_nothing_else_answers(proxy: Proxy):
    """Other paths of the receiver, and pages that Flower serves without a password, answer 404."""
    for path in ("/", "/metrics", "/hooks"):
        assert status_of(f"http://127.0.0.1:{proxy.plain}{path}") == 404
    for path in ("/metrics", "/healthcheck", "/api/workers", "/api/task/async-apply/sweep"):
        assert status_of(f"http://127.0.0.1:{proxy.flower}{path}") == 404


def test_the_log_has_no_paths(proxy: Proxy):
    """The log has no path, even of failed requests: paths contain the token, and queries phone numbers."""
    assert status_of(f"http://127.0.0.1:{proxy.flower}/tasks?number=4917612345678") == 502  # no Flower runs here
    status_of(f"http://127.0.0.1:{proxy.plain}/hooks/{TOKEN}?sender=4917612345678")

    assert not re.search(f"4917612345678|{TOKEN}", proxy.log.read_text())


def test_the_console_is_behind_it(proxy: Proxy, console: Console):
    """With a password its pages come through; without one they do not. Without any login of its own it answers 403."""
    url = f"http://127.0.0.1:{proxy.console}"
    answer = httpx2.get(url, auth=ANNA)
    assert (answer.status_code, "<h1>Overview</h1>" in answer.text) == (200, True)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert httpx2.get(url).status_code == 401
    assert httpx2.post(url, auth=ANNA, headers={"Origin": url}).status_code == 405  # of the same site, to no form

    console.end()
    del console.environment["SEVEN_CONSOLE_AUTH"]
    console.start()
    answer = httpx2.get(url, auth=ANNA)
    assert answer.status_code == 403
    assert "SEVEN_CONSOLE_AUTH" in answer.text

"""The console as a process: it believes no forged address, logs nothing personal, and ends gracefully."""

import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx2
import pytest

from console.attempts import COOKIE
from tests.console.conftest import ANNA, LOGINS
from tests.extent import thorough
from tests.processes import Console, Process, running
from tests.servers import PATIENCE_S, eventually

NUMBER = "4915112345678"
WRONG = ("anna", "wrong-password")
ENDED = (0, -signal.SIGTERM)
"""Uvicorn sends itself the signal again once it has ended."""


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SEVEN_METRICS_ADDRESS": "off"}


@pytest.fixture
def guarded(environment: dict[str, str], tmp_path: Path) -> Iterator[Console]:
    """With passwords."""
    console = Console(tmp_path, environment | {"SEVEN_CONSOLE_AUTH": LOGINS})
    with running(console):
        yield console


def test_it_believes_no_forged_address(environment: dict[str, str], tmp_path: Path):
    """Uvicorn trusts X-Forwarded-For of every process on this machine; the console sees who really asks."""
    trusting = {
        "SEVEN_TRUSTED_PROXIES": "10.0.0.0/8", "SEVEN_CONSOLE_IDENTITY_HEADER": "Remote-User", "SEVEN_CONSOLE_AUTH": LOGINS,
    }  # fmt: skip
    console, behind = Console(tmp_path, environment), Console(tmp_path, environment | trusting, "behind")
    forged = {"X-Forwarded-For": "10.0.0.1", "Remote-User": "anna"}
    with running(console, behind):
        assert httpx2.get(f"{console.url}/").status_code == 200
        assert httpx2.get(f"{console.url}/", headers=forged).status_code == 403
        assert httpx2.get(f"{behind.url}/", headers=forged).status_code == 401
        assert httpx2.get(f"{behind.url}/", headers=forged, auth=ANNA).status_code == 200


@pytest.mark.duration(10)
def test_wrong_passwords_at_once_lock_nobody_out(guarded: Console):
    """Guesses by many at the same time are slowed or refused; who has logged in before gets in meanwhile, all others soon after."""
    css = f"{guarded.url}/static/console.css"
    cookies = dict(httpx2.get(css, auth=ANNA).cookies)
    assert list(cookies) == [COOKIE]

    ended, statuses = Event(), list[int]()

    def guess() -> None:
        with httpx2.Client(auth=WRONG, timeout=PATIENCE_S) as client:
            while not ended.is_set():
                statuses.append(client.get(css).status_code)

    with ThreadPoolExecutor(30) as threads:
        guesses = [threads.submit(guess) for _ in range(30)]
        try:
            eventually(lambda: 429 in statuses)
            assert httpx2.get(css, auth=ANNA, cookies=cookies, timeout=PATIENCE_S).status_code == 200
        finally:
            ended.set()
        assert [thread.result() for thread in guesses] == [None] * 30
    assert set(statuses) == {401, 429}
    eventually(lambda: httpx2.get(css, auth=ANNA, timeout=PATIENCE_S).status_code == 200, every_s=0.5)
    assert "wrong passwords slowed down" in guarded.log.read_text()


def test_nothing_of_a_request_is_logged(guarded: Console):
    """No path, query, form, name that was tried, or password; whatever the answer."""
    with httpx2.Client(base_url=guarded.url, auth=ANNA) as client:
        client.get(f"/{NUMBER}")
        client.get("/", params={"hours": NUMBER})
        client.post("/", data={"about": NUMBER})
        client.get("/", headers={"User-Agent": NUMBER, "Cookie": NUMBER})
        client.get("/", auth=(NUMBER, "wrong-password"))
        client.request("BREW", f"/{NUMBER}")
    assert guarded.end() in ENDED
    log = guarded.log.read_text()
    assert not [secret for secret in (NUMBER, *ANNA[1:], "wrong-password") if secret in log]
    assert not re.search("exception|Traceback", log)


def test_it_ends_gracefully(environment: dict[str, str], tmp_path: Path):
    """SIGTERM ends it, also while a browser keeps its connection."""
    console = Console(tmp_path, environment)
    with running(console), httpx2.Client(base_url=console.url) as client:
        client.get("/").raise_for_status()
        began = time.monotonic()
        assert console.end(signal.SIGTERM) in ENDED
        assert time.monotonic() - began < PATIENCE_S
    assert "ended" in console.log.read_text()


def test_a_wrong_setting_ends_it_with_a_sentence(environment: dict[str, str], tmp_path: Path):
    """Exit code 2, and no password in the log."""
    console = Console(tmp_path, environment | {"SEVEN_CONSOLE_AUTH": "anna:a-password:everything"})
    Process.start(console)
    assert console.process
    assert console.process.wait(PATIENCE_S) == 2
    assert "configuration: SEVEN_CONSOLE_AUTH: needs name:password" in console.log.read_text()
    assert "a-password" not in console.log.read_text()


@thorough
@pytest.mark.duration(20)
def test_memory_stays_flat(guarded: Console):
    """A thousand requests after the first five hundred: pages, refusals and errors leave nothing behind."""
    with httpx2.Client(base_url=guarded.url, auth=ANNA, timeout=PATIENCE_S) as client:

        def ask(times: int) -> int:
            for number in range(times):
                client.get("/nowhere" if number % 5 else "/")
            return guarded.memory_kib

        before = ask(500)
        assert ask(1000) < 1.05 * before + 2048

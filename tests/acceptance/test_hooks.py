"""Hooks with real processes: a token replaced under traffic, two schedulers, a worker killed in the middle of an apply."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.deploy.tools import thorough_on_sqlite
from tests.processes import Process, Receiver, beat, running, worker
from tests.servers import eventually, free_port

KEY = "an-api-key"
SIGNING_KEY = "a-signing-key"
NEWER = "newer-" + TOKEN


class Emulator(Process):
    """The emulator as a process."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "uvicorn", "emulator.app:app", "--port", str(port), "--no-access-log"]
        super().__init__("emulator", directory, command, {"EMULATOR_API_KEY": KEY, "EMULATOR_SIGNING_KEY": SIGNING_KEY})

    def start(self) -> None:
        super().start()
        eventually(lambda: self.ask("GET", "/livez") is not None)

    def ask(self, method: str, path: str, **told: Any) -> Any:
        try:
            answer = httpx2.request(method, self.url + path, **told)
        except httpx2.TransportError:
            return None
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def hooks(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/hooks")["hooks"])


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path)
    with running(emulator):
        yield emulator


@pytest.fixture
def environment(tmp_path: Path, emulator: Emulator, redis_url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": KEY,
        "SEVEN_SIGNING_KEY": SIGNING_KEY,
        "SEVEN_API_URL": f"{emulator.url}/api",
        "SEVEN_HOOKS_MODE": "apply",
        "SEVEN_HOOKS_S": "1",
        "SEVEN_METRICS_ADDRESS": "off",
    }


@pytest.mark.duration(12)
@thorough_on_sqlite
def test_a_token_is_replaced_under_traffic(tmp_path: Path, emulator: Emulator, environment: dict[str, str]):
    """While a story is told the token changes: no delivery is refused or lost, and in the end one hook is left."""
    receiver = Receiver(tmp_path, environment)
    environment["SEVEN_PUBLIC_URL"] = receiver.url
    first = worker(tmp_path, environment, "first")
    with running(receiver, first, beat(tmp_path, environment)):
        eventually(lambda: len(emulator.hooks()) == 1)
        emulator.ask("POST", "/stories", json={"messages": 400, "rate": 150, "duplicates": 0})
        eventually(lambda: emulator.ask("GET", "/stories/1")["delivered"] > 100, 60)
        # the receiver first, so that the new token is known before the gateway is
        told = environment | {"SEVEN_HOOK_TOKEN": f"{NEWER},{TOKEN}"}
        receiver.end()
        receiver.environment |= told
        receiver.start()
        first.end()
        first.environment |= told
        first.start()
        eventually(lambda: any(NEWER in one["target_url"] for one in emulator.hooks()), 120)
        emulator.ask("POST", "/stories", json={"messages": 20, "rate": 50, "duplicates": 0})  # one may be over by now
        eventually(lambda: [NEWER in one["target_url"] for one in emulator.hooks()] == [True], 120)
        for number in (1, 2):
            eventually(lambda: emulator.ask("GET", f"/stories/{number}")["state"] == "told", 120)  # noqa: B023 - now
            story = emulator.ask("GET", f"/stories/{number}")
            assert (story["refused"], story["given_up"], story["delivered"]) == (0, 0, story["deliveries"])


@thorough_on_sqlite
def test_two_schedulers_and_workers_make_one_hook(tmp_path: Path, emulator: Emulator, environment: dict[str, str]):
    """Two of everything, all at once: one hook, and it stays one."""
    environment["SEVEN_PUBLIC_URL"] = "https://x.example"
    second_beat = beat(tmp_path, environment)
    second_beat.log = tmp_path / "beat-2.log"
    with running(
        worker(tmp_path, environment, "first"),
        worker(tmp_path, environment, "second"),
        beat(tmp_path, environment),
        second_beat,
    ):
        eventually(lambda: len(emulator.hooks()) == 1, 60)
        reads = emulator.ask("GET", "/faults")["requests"]["read"]
        eventually(lambda: emulator.ask("GET", "/faults")["requests"]["read"] > reads + 4, 60)
        assert len(emulator.hooks()) == 1
        assert emulator.ask("GET", "/faults")["requests"]["subscribe"] == 1


@thorough_on_sqlite
def test_killed_in_the_middle_of_an_apply(
    tmp_path: Path, emulator: Emulator, environment: dict[str, str], ledger: Ledger
):
    """kill -9 between creating and removing: the next run finishes it, and leaves no surplus."""
    environment["SEVEN_PUBLIC_URL"] = "https://x.example"
    here = f"https://x.example/hooks/{TOKEN}"
    for _ in range(3):
        emulator.ask("POST", "/hooks", json={"target_url": here, "event_type": "dlr", "request_method": "JSON"})
    emulator.ask("PUT", "/faults", json={"slow": 1, "actions": ["subscribe", "unsubscribe"]})
    first = worker(tmp_path, environment, "first")
    with running(first, beat(tmp_path, environment)):
        eventually(
            lambda: len(emulator.hooks()) in (3, 4) and any(one["event_type"] == "all" for one in emulator.hooks()), 60
        )
        first.end(signal.SIGKILL)
        emulator.ask("DELETE", "/faults")
        assert len(emulator.hooks()) > 1
        ledger.redis.pexpire("seven:hooks:lock", 1)  # it would last three minutes
        first.start()
        eventually(lambda: [(one["event_type"], one["target_url"]) for one in emulator.hooks()] == [("all", here)], 60)

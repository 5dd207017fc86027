"""Hooks with real processes: a token replaced under traffic, two schedulers, a worker killed during an apply."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.extent import thorough_on_sqlite
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
        eventually(lambda: self.request("GET", "/livez") is not None)

    def request(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = httpx2.request(method, self.url + path, **options)
        except httpx2.TransportError:
            return None
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def hooks(self) -> list[dict[str, Any]]:
        return list(self.request("GET", "/hooks")["hooks"])


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
    """The token changes during a scenario: no delivery is refused or lost, and one hook is left."""
    receiver = Receiver(tmp_path, environment)
    environment["SEVEN_PUBLIC_URL"] = receiver.url
    first = worker(tmp_path, environment, "first")
    with running(receiver, first, beat(tmp_path, environment)):
        eventually(lambda: len(emulator.hooks()) == 1)
        emulator.request("POST", "/scenarios", json={"messages": 400, "rate": 150, "duplicates": 0})
        eventually(lambda: emulator.request("GET", "/scenarios/1")["delivered"] > 100, 60)
        # the receiver first: it must know the new token before the gateway does
        rotated = environment | {"SEVEN_HOOK_TOKEN": f"{NEWER},{TOKEN}"}
        receiver.end()
        receiver.environment |= rotated
        receiver.start()
        first.end()
        first.environment |= rotated
        first.start()
        eventually(lambda: any(NEWER in hook["target_url"] for hook in emulator.hooks()), 120)
        emulator.request(
            "POST", "/scenarios", json={"messages": 20, "rate": 50, "duplicates": 0}
        )  # the first may be over by now
        eventually(lambda: [NEWER in hook["target_url"] for hook in emulator.hooks()] == [True], 120)
        for number in (1, 2):
            eventually(lambda: emulator.request("GET", f"/scenarios/{number}")["state"] == "finished", 120)  # noqa: B023 - called at once
            scenario = emulator.request("GET", f"/scenarios/{number}")
            assert (scenario["refused"], scenario["given_up"], scenario["delivered"]) == (0, 0, scenario["deliveries"])


@thorough_on_sqlite
def test_two_schedulers_and_workers_make_one_hook(tmp_path: Path, emulator: Emulator, environment: dict[str, str]):
    """Two schedulers and two workers at once create one hook, and it stays one."""
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
        reads = emulator.request("GET", "/faults")["requests"]["read"]
        eventually(lambda: emulator.request("GET", "/faults")["requests"]["read"] > reads + 4, 60)
        assert len(emulator.hooks()) == 1
        assert emulator.request("GET", "/faults")["requests"]["subscribe"] == 1


@thorough_on_sqlite
def test_a_worker_killed_during_an_apply(
    tmp_path: Path, emulator: Emulator, environment: dict[str, str], ledger: Ledger
):
    """After kill -9 between creating and removing hooks the next run finishes the apply and leaves no surplus hook."""
    environment["SEVEN_PUBLIC_URL"] = "https://x.example"
    here = f"https://x.example/hooks/{TOKEN}"
    for _ in range(3):
        emulator.request("POST", "/hooks", json={"target_url": here, "event_type": "dlr", "request_method": "JSON"})
    emulator.request("PUT", "/faults", json={"slow": 1, "actions": ["subscribe", "unsubscribe"]})
    first = worker(tmp_path, environment, "first")
    with running(first, beat(tmp_path, environment)):
        eventually(
            lambda: len(emulator.hooks()) in (3, 4) and any(hook["event_type"] == "all" for hook in emulator.hooks()),
            60,
        )
        first.end(signal.SIGKILL)
        emulator.request("DELETE", "/faults")
        assert len(emulator.hooks()) > 1
        ledger.redis.pexpire("seven:hooks:lock", 1)  # it would last three minutes
        first.start()
        eventually(
            lambda: [(hook["event_type"], hook["target_url"]) for hook in emulator.hooks()] == [("all", here)], 60
        )


@pytest.mark.duration(12)
@thorough_on_sqlite
def test_a_secret_waits_for_every_receiver(tmp_path: Path, emulator: Emulator, environment: dict[str, str]):
    """Workers that are restarted before the receivers leave hooks as they are: nothing is refused on the way."""
    old, new = "old-secret-of-our-hooks", "new-secret-of-our-hooks"
    environment |= {"SEVEN_HOOK_SECRET": old, "SEVEN_HOOK_SECRET_MODE": "enforce"}
    receiver = Receiver(tmp_path, environment)
    environment["SEVEN_PUBLIC_URL"] = receiver.url
    consumer = worker(tmp_path, environment)

    def secrets() -> list[str]:
        return [hook["headers"] for hook in emulator.hooks()]

    def refused() -> int:
        emulator.request("POST", "/scenarios", json={"messages": 10, "rate": 50, "duplicates": 0})
        scenario = f"/scenarios/{len(emulator.request('GET', '/scenarios'))}"
        eventually(lambda: emulator.request("GET", scenario)["state"] == "finished", 60)
        return int(emulator.request("GET", scenario)["refused"])

    with running(receiver, consumer, beat(tmp_path, environment)):
        eventually(lambda: secrets() == [f"X-Hook-Secret: {old}"])
        both = {"SEVEN_HOOK_SECRET": f"{new},{old}"}
        consumer.end()
        consumer.environment |= both
        consumer.start()
        consumer.wait_until_logged("hook refused")
        assert (secrets(), refused()) == ([f"X-Hook-Secret: {old}"], 0)
        receiver.end()
        receiver.environment |= both
        receiver.start()
        eventually(lambda: secrets() == [f"X-Hook-Secret: {new}"], 60)
        assert refused() == 0

"""up, started again with other settings: its emulator's hooks follow, and what is refused is named with its cause."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from cli.up.first_scenario import ScenarioProgress
from cli.up.own_hooks import is_stale
from seven.hooks import Addresses, Hook
from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import emulating
from tests.emulator.stub_receiver import receiving
from tests.servers import free_port

EARLIER_TOKEN = "earlier-token-of-24-chars"
STRANGER = "http://127.0.0.1:9/hooks/of-somebody-else"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[CommandLine]:
    installation = CommandLine(tmp_path, EMULATOR_STORY_MESSAGES="4")
    with closing(installation):
        yield installation


@pytest.mark.duration(20)
def test_hooks_follow_the_settings(installation: CommandLine):
    """A token and a port of before leave no hook behind, in their first start without them; other people's hooks stay.

    Each start delivers its whole story: nothing is refused, nothing is tried again at a port where nobody listens.
    """
    url = f"http://127.0.0.1:{installation.ports['EMULATOR_PORT']}/hooks"
    installation.environment["SEVEN_HOOK_TOKEN"] = EARLIER_TOKEN
    installation.start()
    stranger = {"target_url": STRANGER, "event_type": "rcs"}  # of which no story tells
    httpx2.post(url, json=stranger, trust_env=False).raise_for_status()
    assert installation.end() == 0

    del installation.environment["SEVEN_HOOK_TOKEN"]
    installation.environment["SEVEN_PORT"] = str(free_port())
    installation.start()
    assert "1 out of date hook removed" in installation.said
    assert "not accepted" not in installation.said, installation.said
    targets = [hook["target_url"] for hook in httpx2.get(url, trust_env=False).json()["hooks"]]
    token = (installation.data / "hook-token").read_text().strip()
    assert targets == [STRANGER, f"http://127.0.0.1:{installation.environment['SEVEN_PORT']}/hooks/{token}"]
    assert installation.end() == 0


def test_only_what_is_not_desired_at_our_receivers_is_stale():
    """Hooks of a token that the receiver still knows stay, and everything that is not at our receivers."""
    addresses = Addresses(("http://127.0.0.1:8000",), ("current", "older-but-known"))
    receivers = ["http://127.0.0.1:8000", "http://127.0.0.1:8001"]
    desired = [Hook("http://127.0.0.1:8000/hooks/current", "all", headers="x-hook-secret: new")]

    def stale(url: str, headers: str = "x-hook-secret: new") -> bool:
        return is_stale(Hook(url, "all", headers=headers), desired, addresses, receivers)

    assert not stale("http://127.0.0.1:8000/hooks/current")
    assert not stale("http://127.0.0.1:8000/hooks/older-but-known/dlr")
    assert not stale("http://127.0.0.1:80001/hooks/x")
    assert not stale("http://127.0.0.1:8000/elsewhere/x")
    assert stale("http://127.0.0.1:8000/hooks/current", headers="")
    assert stale("http://127.0.0.1:8000/hooks/current/dlr")
    assert stale("http://127.0.0.1:8000/hooks/unknown")
    assert stale("http://127.0.0.1:8000/hooks/unknown/dlr")
    assert stale("http://127.0.0.1:8001/hooks/current")


def test_a_refusal_is_named_with_its_hook_and_status():
    """Which hook refuses, with what, and the log that tells of it."""
    with receiving() as receiver, emulating() as emulator:
        receiver.answer = lambda heard: 404 if "older" in heard.path else 202
        emulator.subscribe(target_url=receiver.url)
        emulator.subscribe(target_url=f"{receiver.url}-older")
        report = emulator.told(emulator.tell())
    verdict = ScenarioProgress(report).verdict()
    assert verdict is not None
    assert verdict.program == "emulator"
    assert f"hook 2 was answered 404 {report['refused']} times (no token that the receiver knows)" in verdict.cause


@pytest.mark.parametrize(
    ("report", "program", "cause"),
    [
        pytest.param({}, "emulator", "the emulator does not answer", id="no emulator"),
        pytest.param({"delivered": 9}, "worker", "9 were accepted", id="accepted, and not in the database"),
        pytest.param({"retries": {"503": 7}}, "receiver", "7 attempts met 503", id="tried again"),
        pytest.param({}, "receiver", "the receiver does not answer", id="no answer"),
    ],
)
def test_a_standstill_is_named_with_the_right_log(report: dict, program: str, cause: str):
    """Where to look depends on how far the deliveries came."""
    blank = {"state": "telling", "deliveries": 10, "delivered": 2, "retries": {}, "refusals_by_hook": {}}
    hindrance = ScenarioProgress(blank | report if cause != "the emulator does not answer" else {}).standstill(2)
    assert (hindrance.program, cause in hindrance.cause) == (program, True), hindrance

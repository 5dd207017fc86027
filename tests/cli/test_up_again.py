"""up, started again with other settings: its emulator's hooks follow, and failures are reported with their reason."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from cli.installation import Installation
from cli.scenario import ScenarioProgress
from cli.up.own_hooks import is_stale, register_own_hooks
from seven.hooks import Addresses, Hook
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.emulator.emulator_process import run_emulator
from tests.emulator.stub_receiver import run_receiver
from tests.extent import thorough
from tests.servers import free_port

EARLIER_TOKEN = "earlier-token-of-24-chars"
STRANGER = "http://127.0.0.1:9/hooks/of-somebody-else"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[CommandLine]:
    installation = CommandLine(tmp_path, EMULATOR_STORY_MESSAGES="4")
    with closing(installation):
        yield installation


@thorough
@pytest.mark.duration(20)
def test_hooks_follow_the_settings(installation: CommandLine):
    """The first start with another token and port removes the hooks of the old ones; hooks of others stay.

    A scenario comes whole afterwards: no refusal, and no retry at a port where no receiver listens.
    """
    url = f"http://127.0.0.1:{installation.ports['EMULATOR_PORT']}/hooks"
    installation.environment["SEVEN_HOOK_TOKEN"] = EARLIER_TOKEN
    installation.start()
    stranger = {"target_url": STRANGER, "event_type": "mms"}  # an event type without events in the scenario
    httpx2.post(url, json=stranger, trust_env=False).raise_for_status()
    assert installation.end() == 0

    del installation.environment["SEVEN_HOOK_TOKEN"]
    installation.environment["SEVEN_PORT"] = str(free_port())
    installation.start()
    assert "1 out of date hook removed" in installation.output
    played = installation.answer("simulate", "--messages", "4")
    assert (played["failure"], played["outcomes"]) == (None, {"applied": played["deliveries"]})
    targets = [hook["target_url"] for hook in httpx2.get(url, trust_env=False).json()["hooks"]]
    token = (installation.data / "hook-token").read_text().strip()
    assert targets == [STRANGER, f"http://127.0.0.1:{installation.environment['SEVEN_PORT']}/hooks/{token}"]
    assert installation.end() == 0


def test_hooks_at_the_emulator_follow_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With another token and port the hooks of the old ones are replaced; hooks of others stay."""
    first, second = (free_port() for _ in range(2))
    with run_emulator() as emulator:
        for name, value in (("SEVEN_DATA_DIR", str(tmp_path)), ("EMULATOR_PORT", emulator.url.rpartition(":")[2])):
            monkeypatch.setenv(name, value)

        def removed(token: str, port: int) -> int:
            monkeypatch.setenv("SEVEN_HOOK_TOKEN", token)
            monkeypatch.setenv("SEVEN_PORT", str(port))
            return register_own_hooks(Installation.from_environment())

        assert removed(EARLIER_TOKEN, first) == 0
        emulator.subscribe(target_url=STRANGER)
        assert removed(TOKEN, second) == 1
        assert removed(TOKEN, second) == 0
        targets = [hook["target_url"] for hook in emulator.hooks()]
    assert targets == [STRANGER, f"http://127.0.0.1:{second}/hooks/{TOKEN}"]


def test_only_undesired_hooks_at_our_receivers_are_stale():
    """Hooks with a token that the receiver still knows are not stale, nor any hook elsewhere."""
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


def test_a_refusal_is_reported_with_its_hook_and_status():
    """The failure names the hook, the status, and the program whose log has details."""
    with run_receiver() as receiver, run_emulator() as emulator:
        receiver.answer = lambda request: 404 if "older" in request.path else 202
        emulator.subscribe(target_url=receiver.url)
        emulator.subscribe(target_url=f"{receiver.url}-older")
        report = emulator.final_report(emulator.run_scenario())
    failure = ScenarioProgress(report).failure()
    assert failure is not None
    assert failure.program == "emulator"
    assert f"hook 2 was answered 404 {report['refused']} times (no token that the receiver knows)" in failure.reason


@pytest.mark.parametrize(
    ("report", "program", "reason"),
    [
        pytest.param({}, "emulator", "the emulator does not answer", id="no emulator"),
        pytest.param({"delivered": 9}, "worker", "9 were accepted", id="accepted, and not in the database"),
        pytest.param({"retries": {"503": 7}}, "receiver", "7 attempts met 503", id="tried again"),
        pytest.param({}, "receiver", "the receiver does not answer", id="no answer"),
    ],
)
def test_a_stall_is_reported_with_the_right_log(report: dict, program: str, reason: str):
    """The program to look at depends on how far the deliveries came."""
    blank = {"state": "running", "deliveries": 10, "delivered": 2, "retries": {}, "refusals_by_hook": {}}
    failure = ScenarioProgress(blank | report if reason != "the emulator does not answer" else {}).stall(2)
    assert (failure.program, reason in failure.reason, failure.stalled) == (program, True, True), failure

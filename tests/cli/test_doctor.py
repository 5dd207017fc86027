"""doctor: the whole of it, as an operator asks for it, of real processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.client import Ledger
from operations.worker_info import living_workers
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.emulator.emulator_process import Emulator, run_emulator
from tests.processes import Receiver, beat, running, worker
from tests.servers import eventually, free_port

KEY = "0123abcdef-of-some-account"
SIGNING_KEY = "5c1f0a7e-signing-key-of-it"
PASSWORD = "kept-9f8e7d6c5b4a"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with run_emulator(api_key=KEY) as emulator:
        emulator.client.headers["X-Api-Key"] = KEY
        yield emulator


@pytest.fixture
def told(tmp_path: Path, redis_url: str, emulator: Emulator) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": KEY,
        "SEVEN_SIGNING_KEY": SIGNING_KEY,
        "SEVEN_API_URL": f"{emulator.url}/api",
        "SEVEN_METRICS_ADDRESS": "",
        "FLOWER_BASIC_AUTH": f"ops:{PASSWORD}",
    }


@pytest.fixture
def whole(tmp_path: Path, told: dict[str, str], emulator: Emulator) -> Iterator[CommandLine]:
    """Receiver, worker and beat, and the one hook that there should be."""
    receiver = Receiver(tmp_path, told)
    told["SEVEN_PUBLIC_URL"] = receiver.environment["SEVEN_PUBLIC_URL"] = receiver.url
    installation = CommandLine(tmp_path, **told)
    assert installation.run("migrate").returncode == 0
    emulator.subscribe(target_url=f"{receiver.url}/hooks/{TOKEN}", request_method="JSON")
    with running(receiver, worker(tmp_path, told), beat(tmp_path, told)):
        eventually(lambda: living_workers(told["REDIS_URL"], 3), 60)
        yield installation


def grades(answer: dict[str, Any]) -> dict[str, str]:
    """What is not good, by name."""
    return {
        one["name"]: one["grade"]
        for some in answer["concerns"].values()
        for one in some
        if one["grade"] != "good" and not one["name"].startswith("disk of")  # that is this machine's own
    }


@pytest.mark.duration(8)
def test_a_good_installation(whole: CommandLine, ledger: Ledger):
    """Exit code 0 and nothing against it; no secret is shown, nothing was stored, and no hook changed."""
    eventually(lambda: grades(whole.answer("doctor")) == {}, 60)
    told = whole.answer("doctor")
    assert (told["wrong"], told["unknown"]) == (0, 0)
    ended = whole.run("doctor")
    assert ended.returncode == 0
    assert not [one for one in (TOKEN, KEY, SIGNING_KEY, PASSWORD) if one in ended.stdout + ended.stderr + str(told)]
    assert ledger.figures(["dlr"]).life is None


@pytest.mark.duration(8)
def test_a_drift_is_wrong(whole: CommandLine, emulator: Emulator):
    """The gateway is asked, not remembered."""
    (hook,) = emulator.hooks()
    emulator.unsubscribe(hook["id"])
    assert grades(whole.answer("doctor", code=1)) == {"hooks": "wrong"}
    assert grades(whole.answer("doctor", "--offline")) == {}


@pytest.mark.duration(8)
def test_a_key_that_is_refused(whole: CommandLine):
    """That is wrong; a gateway that is away is not known to be."""
    ended = whole.run("doctor", "--json", SEVEN_API_KEY="another-0123abcdef-of-some-account")
    assert (ended.returncode, "the gateway refuses" in ended.stdout) == (1, True)
    ended = whole.run("doctor", "--json", SEVEN_API_URL=f"http://127.0.0.1:{free_port()}/api")
    assert (ended.returncode, "does not answer" in ended.stdout) == (3, True)


def test_nothing_runs(tmp_path: Path):
    """Servers that are away are not found out, the rest is told all the same, and exit code 1 is for what is wrong."""
    told = {
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "DATABASE_URL": "postgresql://u:hidden-word@127.0.0.1:1/x",
        "SEVEN_HOOK_TOKEN": TOKEN,
    }
    installation = CommandLine(tmp_path, **told)
    found = grades(installation.answer("doctor", code=3))
    assert {name for name, grade in found.items() if grade == "unknown"} == {
        "Redis", "database", "clock of Redis", "beat", "workers", "guards",
    }  # fmt: skip
    ended = installation.run("doctor", SEVEN_HOOK_TOKEN="short-one", SEVEN_REDDIS_LIMIT="1")
    assert (ended.returncode, "Traceback" in ended.stderr, "SEVEN_REDDIS_LIMIT" in ended.stdout) == (1, False, True)
    assert not [one for one in ("hidden-word", "short-one") if one in ended.stdout + ended.stderr]


def test_a_wrong_configuration_is_2(installation: CommandLine):
    """It is named, and nobody is asked."""
    for command in ("doctor", "status"):
        ended = installation.run(command, SEVEN_PUBLIC_URL="hooks.example.com")
        assert (ended.returncode, "SEVEN_PUBLIC_URL" in ended.stderr) == (2, True)

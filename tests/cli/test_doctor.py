"""doctor as an operator calls it, on real processes."""

import json
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
def environment(tmp_path: Path, redis_url: str, emulator: Emulator) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'seven.db'}",
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_API_KEY": KEY,
        "SEVEN_SIGNING_KEY": SIGNING_KEY,
        "SEVEN_API_URL": f"{emulator.url}/api",
        "SEVEN_METRICS_ADDRESS": "",
        "FLOWER_BASIC_AUTH": f"ops:{PASSWORD}",
        "SEVEN_CONSOLE_AUTH": f"anna:{PASSWORD}:texts",
        "SEVEN_ERASURE_KEY": "uFq8Zr2kYw0BvX5nT1sLpA7c",
    }


@pytest.fixture
def whole(tmp_path: Path, environment: dict[str, str], emulator: Emulator) -> Iterator[CommandLine]:
    """Receiver, worker, beat, and the one desired hook."""
    receiver = Receiver(tmp_path, environment)
    environment["SEVEN_PUBLIC_URL"] = receiver.environment["SEVEN_PUBLIC_URL"] = receiver.url
    installation = CommandLine(tmp_path, **environment)
    assert installation.run("migrate").returncode == 0
    emulator.subscribe(target_url=f"{receiver.url}/hooks/{TOKEN}", request_method="JSON")
    with running(receiver, worker(tmp_path, environment), beat(tmp_path, environment)):
        eventually(lambda: living_workers(environment["REDIS_URL"], 0.5), 60)
        yield installation


def grades(answer: dict[str, Any]) -> dict[str, str]:
    """The grade of each check that is not good, by name."""
    return {
        check["name"]: check["grade"]
        for checks in answer["concerns"].values()
        for check in checks
        if check["grade"] != "good" and not check["name"].startswith("disk of")  # it depends on this machine
    }


@pytest.mark.duration(8)
def test_a_good_installation(whole: CommandLine, ledger: Ledger):
    """Exit code 0 and every check good; doctor shows no secret and stores nothing."""
    eventually(lambda: grades(whole.answer("doctor")) == {}, 60)
    report = whole.answer("doctor")
    assert (report["wrong"], report["unknown"]) == (0, 0)
    ended = whole.run("doctor")
    assert ended.returncode == 0
    assert not [
        secret for secret in (TOKEN, KEY, SIGNING_KEY, PASSWORD) if secret in ended.stdout + ended.stderr + str(report)
    ]
    assert ledger.figures(["dlr"]).life is None


@pytest.mark.duration(8)
def test_a_drift_is_wrong(whole: CommandLine, emulator: Emulator):
    """doctor reads the hooks from the gateway, and skips them with --offline."""
    (hook,) = emulator.hooks()
    emulator.unsubscribe(hook["id"])
    assert grades(whole.answer("doctor", code=1)) == {"hooks": "wrong"}
    assert grades(whole.answer("doctor", "--offline")) == {}
    weak = whole.run("doctor", "--offline", "--json", SEVEN_CONSOLE_AUTH=f"anna:{PASSWORD},ben:12345678:texts")
    assert grades(json.loads(weak.stdout)) == {"SEVEN_CONSOLE_AUTH": "wrong"}


@pytest.mark.duration(8)
def test_a_key_that_is_refused(whole: CommandLine):
    """A refused key is wrong; with an unreachable gateway the hooks are unknown."""
    ended = whole.run("doctor", "--json", SEVEN_API_KEY="another-0123abcdef-of-some-account")
    assert (ended.returncode, "the gateway refuses" in ended.stdout) == (1, True)
    ended = whole.run("doctor", "--json", SEVEN_API_URL=f"http://127.0.0.1:{free_port()}/api")
    assert (ended.returncode, "does not answer" in ended.stdout) == (3, True)


def test_nothing_answers(tmp_path: Path):
    """Exit code 3 for servers that are down, beside all other checks; 1 if something is wrong as well."""
    environment = {
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "DATABASE_URL": "postgresql://u:hidden-word@127.0.0.1:1/x",
        "SEVEN_HOOK_TOKEN": TOKEN,
    }
    installation = CommandLine(tmp_path, **environment)
    results = grades(installation.answer("doctor", code=3))
    assert {name for name, grade in results.items() if grade == "unknown"} == {
        "Redis", "database", "clock of Redis", "beat", "workers", "guards",
    }  # fmt: skip
    ended = installation.run("doctor", SEVEN_HOOK_TOKEN="short-one", SEVEN_REDDIS_LIMIT="1")
    assert (ended.returncode, "Traceback" in ended.stderr, "SEVEN_REDDIS_LIMIT" in ended.stdout) == (1, False, True)
    assert not [secret for secret in ("hidden-word", "short-one") if secret in ended.stdout + ended.stderr]


def test_an_invalid_configuration(installation: CommandLine):
    """Exit code 2 and the name of the setting; no server is queried."""
    for command in ("doctor", "status"):
        ended = installation.run(command, SEVEN_PUBLIC_URL="hooks.example.com")
        assert (ended.returncode, "SEVEN_PUBLIC_URL" in ended.stderr) == (2, True)

"""hooks: what an operator is told of the hooks, and that nothing is changed without a yes."""

from pathlib import Path

import pytest

from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import KEY, Emulator, emulating

TOKEN = "a-token-for-the-hooks"
PUBLIC = "https://x.example"


@pytest.fixture
def emulator():
    with emulating(api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def installation(tmp_path: Path, redis_url: str, emulator: Emulator) -> CommandLine:
    told = {
        "REDIS_URL": redis_url,
        "SEVEN_API_KEY": KEY,
        "SEVEN_API_URL": f"{emulator.url}/api",
        "SEVEN_PUBLIC_URL": PUBLIC,
        "SEVEN_HOOK_TOKEN": TOKEN,
    }
    installation = CommandLine(tmp_path, **told)
    assert installation.run("migrate").returncode == 0
    return installation


def test_plan_apply_list(installation: CommandLine, emulator: Emulator):
    """A drift is shown with exit code 1, carried out with a yes, and gone; strangers stay."""
    emulator.subscribe(target_url="https://other.example/hooks/their-secret")
    told = installation.answer("hooks", "plan", code=1)
    assert [len(told[name]) for name in ("missing", "strangers", "matching")] == [1, 1, 0]
    done = installation.answer("hooks", "apply", "--yes")
    assert [one["action"] for one in done["done"]] == ["created"]
    assert installation.answer("hooks", "plan")["drift"] == 0
    assert [one["whose"] for one in installation.answer("hooks", "list")] == ["stranger", "ours"]
    assert installation.run("hooks", "plan").returncode == 0


def test_no_secret_is_shown(installation: CommandLine, emulator: Emulator):
    """Neither our token nor the path of a stranger's address nor the API key appears on the screen."""
    emulator.subscribe(target_url="https://other.example/hooks/their-secret?a=their-secret")
    for words in (("plan",), ("apply", "--yes"), ("list",), ("list", "--json"), ("plan", "--json")):
        ended = installation.run("hooks", *words)
        assert not [secret for secret in (TOKEN, KEY, "their-secret") if secret in ended.stdout + ended.stderr]


def test_nobody_to_ask_is_no_yes(installation: CommandLine, emulator: Emulator):
    """Without a terminal and without --yes nothing is changed."""
    ended = installation.run("hooks", "apply")
    assert (ended.returncode, emulator.hooks()) == (2, [])
    assert "--yes" in ended.stderr


def test_what_cannot_be_found_out_is_3(installation: CommandLine, emulator: Emulator):
    """A gateway that refuses or is not there: exit code 3, in its own words."""
    emulator.client.put(f"{emulator.url}/faults", json={"code": "900"}).raise_for_status()
    for words in (("plan",), ("list",), ("apply", "--yes")):
        ended = installation.run("hooks", *words)
        assert ended.returncode == 3
        assert "the API key is wrong" in ended.stderr
    ended = installation.run("hooks", "plan", SEVEN_API_URL="http://127.0.0.1:1")
    assert (ended.returncode, "does not answer" in ended.stderr) == (3, True)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"SEVEN_PUBLIC_URL": ""}, "SEVEN_PUBLIC_URL", id="no public url"),
        pytest.param(
            {"SEVEN_PUBLIC_URL": "x.example"}, "SEVEN_PUBLIC_URL: scheme://host", id="a public url without scheme"
        ),
        pytest.param(
            {"SEVEN_HOOKS": "[[hook]]\nevent_type='sms.mo'"}, "SEVEN_HOOKS: hook 1: event_type", id="a wrong hook"
        ),
        pytest.param({"SEVEN_HOOKS_FILE": "/nowhere.toml"}, "SEVEN_HOOKS_FILE", id="no such file"),
        pytest.param({"SEVEN_HOOKS_MODE": "repair"}, "SEVEN_HOOKS_MODE", id="no such mode"),
    ],
)
def test_wrong_settings_are_2(installation: CommandLine, told: dict[str, str], said: str):
    """A setting that is missing or wrong is named, with exit code 2."""
    ended = installation.run("hooks", "plan", **told)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr


def test_hooks_come_from_a_file(installation: CommandLine, emulator: Emulator, tmp_path: Path):
    """SEVEN_HOOKS_FILE names a file of hooks."""
    (tmp_path / "hooks.toml").write_text(
        '[[hook]]\nevent_type = "dlr"\n[[hook]]\nevent_type = "tracking"\nrequest_method = "GET"\n'
    )
    assert installation.run("hooks", "apply", "--yes", SEVEN_HOOKS_FILE="hooks.toml").returncode == 0
    assert sorted((one["event_type"], one["request_method"]) for one in emulator.hooks()) == [
        ("dlr", "JSON"),
        ("tracking", "GET"),
    ]

"""hooks: lists, compares and repairs the hooks, and changes nothing without a yes."""

import shutil
from pathlib import Path

import pytest

from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import KEY, Emulator, run_emulator

TOKEN = "a-token-for-the-hooks"
PUBLIC = "https://x.example"


@pytest.fixture
def emulator():
    with run_emulator(api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def installation(tmp_path: Path, redis_url: str, emulator: Emulator, migrated_data: Path) -> CommandLine:
    settings = {
        "REDIS_URL": redis_url,
        "SEVEN_API_KEY": KEY,
        "SEVEN_API_URL": f"{emulator.url}/api",
        "SEVEN_PUBLIC_URL": PUBLIC,
        "SEVEN_HOOK_TOKEN": TOKEN,
    }
    installation = CommandLine(tmp_path, **settings)
    shutil.copytree(migrated_data, installation.data)
    return installation


def test_plan_apply_list(installation: CommandLine, emulator: Emulator):
    """`plan` shows the drift with exit code 1, `apply` removes it; hooks of others stay."""
    emulator.subscribe(target_url="https://other.example/hooks/their-secret")
    plan = installation.answer("hooks", "plan", code=1)
    assert [len(plan[name]) for name in ("missing", "strangers", "matching")] == [1, 1, 0]
    done = installation.answer("hooks", "apply", "--yes")
    assert [change["action"] for change in done["done"]] == ["created"]
    assert installation.answer("hooks", "plan")["drift"] == 0
    assert [hook["whose"] for hook in installation.answer("hooks", "list")] == ["stranger", "ours"]
    assert installation.run("hooks", "plan").returncode == 0


def test_no_secret_is_shown(installation: CommandLine, emulator: Emulator):
    """The output contains neither our token nor the path of another's address nor the API key."""
    emulator.subscribe(target_url="https://other.example/hooks/their-secret?a=their-secret")
    for words in (("plan",), ("apply", "--yes"), ("list",), ("list", "--json"), ("plan", "--json")):
        result = installation.run("hooks", *words)
        assert not [secret for secret in (TOKEN, KEY, "their-secret") if secret in result.stdout + result.stderr]


def test_without_a_terminal_it_needs_yes(installation: CommandLine, emulator: Emulator):
    """Without a terminal and without --yes nothing changes."""
    result = installation.run("hooks", "apply")
    assert (result.returncode, emulator.hooks()) == (2, [])
    assert "--yes" in result.stderr


def test_the_gateway_refuses_or_is_away(installation: CommandLine, emulator: Emulator):
    """Exit code 3, with the gateway's reason."""
    emulator.client.put(f"{emulator.url}/faults", json={"code": "900"}).raise_for_status()
    for words in (("plan",), ("list",), ("apply", "--yes")):
        result = installation.run("hooks", *words)
        assert result.returncode == 3
        assert "the API key is wrong" in result.stderr
    result = installation.run("hooks", "plan", SEVEN_API_URL="http://127.0.0.1:1")
    assert (result.returncode, "does not answer" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"SEVEN_PUBLIC_URL": ""}, "SEVEN_PUBLIC_URL", id="no public url"),
        pytest.param(
            {"SEVEN_PUBLIC_URL": "x.example"}, "SEVEN_PUBLIC_URL: scheme://host", id="a public url without scheme"
        ),
        pytest.param(
            {"SEVEN_PUBLIC_URL": "https://.x.example"}, "no name or address", id="a name that begins with a dot"
        ),
        pytest.param({"SEVEN_API_URL": "http://a..b/api"}, "no name or address", id="an API whose name is none"),
        pytest.param({"SEVEN_RECEIVER_URL": "http://a..b"}, "no name or address", id="a receiver whose name is none"),
        pytest.param(
            {"SEVEN_HOOKS": "[[hook]]\nevent_type='sms mo'"}, "SEVEN_HOOKS: hook 1: event_type", id="a wrong hook"
        ),
        pytest.param({"SEVEN_HOOKS_FILE": "/nowhere.toml"}, "SEVEN_HOOKS_FILE", id="no such file"),
        pytest.param({"SEVEN_HOOKS_MODE": "repair"}, "SEVEN_HOOKS_MODE", id="no such mode"),
    ],
)
def test_invalid_settings(installation: CommandLine, settings: dict[str, str], message: str):
    """Exit code 2, and the name of the setting that is missing or invalid."""
    result = installation.run("hooks", "plan", **settings)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr


def test_hooks_come_from_a_file(installation: CommandLine, emulator: Emulator, tmp_path: Path):
    """SEVEN_HOOKS_FILE names a file of hooks."""
    (tmp_path / "hooks.toml").write_text(
        '[[hook]]\nevent_type = "dlr"\n[[hook]]\nevent_type = "tracking"\nrequest_method = "GET"\n'
    )
    assert installation.run("hooks", "apply", "--yes", SEVEN_HOOKS_FILE="hooks.toml").returncode == 0
    assert sorted((hook["event_type"], hook["request_method"]) for hook in emulator.hooks()) == [
        ("dlr", "JSON"),
        ("tracking", "GET"),
    ]


@pytest.mark.parametrize(
    "command", [("hooks", "plan"), ("hooks", "apply", "--yes"), ("backfill", "--dry-run")], ids=" ".join
)
def test_without_a_key_there_is_an_emulator_only_where_up_has_run(installation: CommandLine, command: tuple[str, ...]):
    """In a container nothing starts one: what is missing is named."""
    for name in ("SEVEN_API_KEY", "SEVEN_API_URL"):
        del installation.environment[name]
    result = installation.run(*command)
    assert (result.returncode, "configuration: SEVEN_API_KEY: not set" in result.stderr) == (2, True)
    assert "emulator" not in result.stderr

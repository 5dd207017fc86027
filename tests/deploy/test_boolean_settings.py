"""Settings that are true or false: every process and `setup` accept both."""

from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from console.settings import ConsoleSettings
from emulator.settings import EmulatorSettings
from ingest.settings import IngestSettings
from runtime.settings.environment import Environment, read
from tests.conftest import TOKEN
from tests.deploy.test_setup import GOOD, Setup
from tests.settings_pages import sections
from workers.dispatcher import DispatcherSettings
from workers.settings import WorkerSettings

PROCESSES: dict[type[Environment], dict[str, str]] = {
    IngestSettings: {"seven_hook_token": TOKEN},
    WorkerSettings: {},
    DispatcherSettings: {},
    ConsoleSettings: {},
    EmulatorSettings: {},
}
"""The settings of each process, and what it does not start without."""


def _is_boolean(field: FieldInfo) -> bool:
    return field.annotation is bool


BOOLEANS = sorted(name for _, fields in sections() for name, field in fields if _is_boolean(field))


def test_there_are_boolean_settings():
    """Otherwise the tests below would hold for none."""
    assert "SEVEN_KEEP_DIGITS" in BOOLEANS


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("settings", PROCESSES)
def test_each_process_accepts_both_values(settings: type[Environment], value: bool):
    """A rule for one kind of setting, such as days, judges no other."""
    names = [name for name, field in settings.model_fields.items() if _is_boolean(field)]
    settings_read = read(settings, {**PROCESSES[settings], **dict.fromkeys(names, str(value).lower())})
    assert {name: getattr(settings_read, name) for name in names} == dict.fromkeys(names, value)


@pytest.mark.parametrize("value", ["true", "false"])
def test_setup_accepts_both_values(tmp_path: Path, value: str):
    """What a process would accept does not stop an upgrade."""
    ended = Setup(tmp_path).run({**GOOD, **dict.fromkeys(BOOLEANS, value)}, check=True)
    assert (ended.returncode, ended.stderr) == (0, "")

"""Settings of the emulator, read from the environment."""

import pytest

from emulator.settings import EmulatorSettings
from runtime.settings.environment import load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in EmulatorSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)


def test_nothing_has_to_be_set():
    """Every setting has a default, and by default nothing is delivered."""
    assert load(EmulatorSettings).emulator_target_url is None


def test_every_setting_is_described_and_named_for_the_emulator():
    """The documentation of the environment is generated from these descriptions."""
    for name, field in EmulatorSettings.model_fields.items():
        assert name.startswith("emulator_")
        assert field.description
        assert field.description.endswith(".")


def test_lists_are_comma_separated(monkeypatch):
    """In any case, with or without spaces."""
    monkeypatch.setenv("EMULATOR_STORY_METHODS", "json, get,")
    monkeypatch.setenv("EMULATOR_STORY_LAYOUTS", "BARE")

    assert load(EmulatorSettings).emulator_story_methods == ("JSON", "GET")
    assert load(EmulatorSettings).emulator_story_layouts == ("bare",)


def test_a_secret_can_come_from_a_file(monkeypatch, tmp_path):
    """As Docker's secrets do; the environment itself overrides the file."""
    (tmp_path / "url").write_text("http://127.0.0.1:8000/hooks/from-a-file\n")
    monkeypatch.setenv("EMULATOR_TARGET_URL_FILE", str(tmp_path / "url"))

    target_url = load(EmulatorSettings).emulator_target_url
    assert target_url is not None
    assert target_url.get_secret_value() == "http://127.0.0.1:8000/hooks/from-a-file"
    assert "from-a-file" not in repr(load(EmulatorSettings))

    monkeypatch.setenv("EMULATOR_TARGET_URL", "http://127.0.0.1:8000/hooks/direct")
    assert "direct" in str(
        load(EmulatorSettings).emulator_target_url and load(EmulatorSettings).emulator_target_url.get_secret_value()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("EMULATOR_TARGET_URL", "secret-without-scheme", id="not a URL"),
        pytest.param("EMULATOR_TARGET_URL_FILE", "/nowhere/at/all", id="no file"),
        pytest.param("EMULATOR_STORY_SEED", "-1", id="negative seed"),
        pytest.param("EMULATOR_STORY_METHODS", "PUT", id="unknown method"),
        pytest.param("EMULATOR_STORY_METHODS", " , ", id="no methods"),
        pytest.param("EMULATOR_COMPRESSION", "0", id="no compression"),
        pytest.param("EMULATOR_FIRST_STORY", "perhaps", id="neither yes nor no"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_a_message(monkeypatch, capsys, name, value):
    """The exit code is 2; the message contains the setting's name and no secret."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        load(EmulatorSettings)
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert name in errors
    assert "secret" not in errors

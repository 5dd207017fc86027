"""Settings: what the emulator reads from its environment."""

import pytest

from emulator.settings import EmulatorSettings, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in EmulatorSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)


def test_nothing_has_to_be_set():
    """Every setting has a default, and by default nobody is told anything."""
    assert load().emulator_target_url is None


def test_every_setting_is_described_and_named_for_the_emulator():
    """The documentation of the environment is made of these."""
    for name, field in EmulatorSettings.model_fields.items():
        assert name.startswith("emulator_")
        assert field.description
        assert field.description.endswith(".")


def test_lists_are_comma_separated(monkeypatch):
    """In any case, with or without spaces."""
    monkeypatch.setenv("EMULATOR_STORY_METHODS", "json, get,")
    monkeypatch.setenv("EMULATOR_STORY_LAYOUTS", "BARE")

    assert load().emulator_story_methods == ("JSON", "GET")
    assert load().emulator_story_layouts == ("bare",)


def test_a_secret_can_come_from_a_file(monkeypatch, tmp_path):
    """As Docker's secrets do; the environment itself goes over the file."""
    (tmp_path / "url").write_text("http://127.0.0.1:8000/hooks/from-a-file\n")
    monkeypatch.setenv("EMULATOR_TARGET_URL_FILE", str(tmp_path / "url"))

    told = load().emulator_target_url
    assert told is not None
    assert told.get_secret_value() == "http://127.0.0.1:8000/hooks/from-a-file"
    assert "from-a-file" not in repr(load())

    monkeypatch.setenv("EMULATOR_TARGET_URL", "http://127.0.0.1:8000/hooks/direct")
    assert "direct" in str(load().emulator_target_url and load().emulator_target_url.get_secret_value())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("EMULATOR_TARGET_URL", "secret-without-scheme", id="no URL"),
        pytest.param("EMULATOR_TARGET_URL_FILE", "/nowhere/at/all", id="no file"),
        pytest.param("EMULATOR_STORY_SEED", "-1", id="no seed"),
        pytest.param("EMULATOR_STORY_METHODS", "PUT", id="no method"),
        pytest.param("EMULATOR_STORY_METHODS", " , ", id="no methods"),
        pytest.param("EMULATOR_COMPRESSION", "0", id="standing still"),
        pytest.param("EMULATOR_FIRST_STORY", "perhaps", id="neither yes nor no"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_a_word(monkeypatch, capsys, name, value):
    """Exit code 2, the setting's name, and no secret."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        load()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert name in said
    assert "secret" not in said

"""Hook controls: what happens to hooks behind their owner's back, and what a restart leaves of them."""

import pytest

from emulator.app import from_environment
from tests.emulator.emulator_process import Emulator, emulating

URL = "https://your-domain.com/webhook"
FULL = {
    "target_url": URL,
    "event_type": "sms_mo",
    "event_filter": "491",
    "request_method": "JSON",
    "headers": "A: 1",
    "enabled": True,
}


def test_a_hook_can_be_registered_behind_its_owners_back(emulator: Emulator):
    """As it is listed by the API, odd ones included; no key is asked for and no fault applies."""
    emulator.client.put(f"{emulator.url}/faults", json={"status": 500, "actions": ["subscribe"]})
    for told in (FULL, {"target_url": URL, "event_type": "voice.status", "enabled": False}):
        answer = emulator.client.post(f"{emulator.url}/hooks", json=told, headers={"X-Api-Key": ""})
        assert answer.status_code == 201
        assert told.items() <= answer.json().items()

    first, second = emulator.read()
    assert {**FULL, "id": "1"}.items() <= first.items()
    assert (second["id"], second["event_type"], second["enabled"]) == ("2", "voice.status", False)
    assert [hook["id"] for hook in emulator.hooks()] == [1, 2]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"request_method": "GET"}, id="another method"),
        pytest.param({"event_filter": None}, id="no filter"),
        pytest.param({"event_filter": "492"}, id="another filter"),
        pytest.param({"headers": "A: 2\nB: 3"}, id="another header"),
        pytest.param({"event_type": "dlr", "target_url": f"{URL}/dlr"}, id="another type and URL"),
    ],
)
def test_a_hook_can_be_changed(emulator: Emulator, change):
    """What is not said stays, and so do other hooks."""
    for _ in range(2):
        emulator.client.post(f"{emulator.url}/hooks", json=FULL)
    created = emulator.hooks()[0]["created"]
    answer = emulator.client.patch(f"{emulator.url}/hooks/1", json=change)

    assert answer.json() == {"id": 1, "created": created, **FULL, **change}
    assert emulator.hooks()[0] == answer.json()
    assert FULL.items() <= emulator.hooks()[1].items()


def test_a_hook_can_be_deleted(emulator: Emulator):
    """It is no longer listed, and unknown by its id."""
    emulator.subscribe(target_url=URL)
    hook = f"{emulator.url}/hooks/1"

    assert emulator.client.delete(hook).json()["id"] == 1
    assert emulator.read() == []
    assert [emulator.client.request(method, hook, json={}).status_code for method in ("DELETE", "PATCH")] == [404, 404]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        pytest.param({}, {"target_url", "event_type"}, id="nothing"),
        pytest.param({**FULL, "target_url": "secret"}, {"target_url"}, id="no URL"),
        pytest.param({**FULL, "request_method": "PUT"}, {"request_method"}, id="no method"),
        pytest.param({**FULL, "enabled": "maybe"}, {"enabled"}, id="neither true nor false"),
        pytest.param({**FULL, "filter": "491"}, {"filter"}, id="misspelt"),
        pytest.param([FULL], {"body"}, id="a list"),
    ],
)
def test_a_wrong_hook_is_refused_field_by_field(emulator: Emulator, told, wrong):
    """422 names what is wrong and repeats none of it; the registered hooks stay as they were."""
    emulator.subscribe(target_url=URL)
    before = emulator.hooks()
    answers = [emulator.client.post(f"{emulator.url}/hooks", json=told)]
    if told:
        answers.append(emulator.client.patch(f"{emulator.url}/hooks/1", json=told))

    for answer in answers:
        assert answer.status_code == 422
        assert set(answer.json()["wrong"]) == wrong
        assert "secret" not in answer.text
    assert emulator.hooks() == before


def test_hooks_outlive_a_restart_where_a_file_is_named(tmp_path):
    """As they were, and no id is given out a second time; the file is nobody else's to read."""
    path = tmp_path / "new" / "hooks.json"
    with emulating(state_file=path) as one:
        for number in range(3):
            one.subscribe(target_url=f"{URL}/{number}", headers="A: 1")
        one.client.patch(f"{one.url}/hooks/1", json={"enabled": False})
        one.unsubscribe(3)
        before = one.hooks()

    assert path.stat().st_mode & 0o077 == 0
    assert [found.name for found in path.parent.iterdir()] == ["hooks.json"]
    with emulating(state_file=path) as one:
        assert one.hooks() == before
        assert one.subscribe(target_url=URL) == 4


def test_without_a_file_they_do_not():
    """An emulator of tests begins with nothing."""
    with emulating() as one:
        one.subscribe(target_url=URL)
    with emulating() as one:
        assert one.hooks() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"hooks": [{"id": 1}]}'])
def test_another_file_is_left_alone(tmp_path, monkeypatch, capsys, content):
    """The process ends with exit code 2 and the setting's name, and does not write over what is not its own."""
    path = tmp_path / "hooks.json"
    path.write_bytes(content)

    monkeypatch.setenv("EMULATOR_STATE_FILE", str(path))
    with pytest.raises(SystemExit) as ended:
        from_environment()
    assert ended.value.code == 2
    assert "EMULATOR_STATE_FILE" in capsys.readouterr().err
    assert path.read_bytes() == content

"""Hook controls: changes of hooks behind their owner's back, and hooks after a restart."""

import pytest

from emulator.app import from_environment
from tests.emulator.emulator_process import Emulator, run_emulator

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
    """The API lists it, even with an unknown event type; the control needs no key, and no fault applies."""
    emulator.client.put(f"{emulator.url}/faults", json={"status": 500, "actions": ["subscribe"]})
    for fields in (FULL, {"target_url": URL, "event_type": "voice.status", "enabled": False}):
        answer = emulator.client.post(f"{emulator.url}/hooks", json=fields, headers={"X-Api-Key": ""})
        assert answer.status_code == 201
        assert fields.items() <= answer.json().items()

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
    """Fields that the request lacks stay, and so do other hooks."""
    for _ in range(2):
        emulator.client.post(f"{emulator.url}/hooks", json=FULL)
    created = emulator.hooks()[0]["created"]
    answer = emulator.client.patch(f"{emulator.url}/hooks/1", json=change)

    assert answer.json() == {"id": 1, "created": created, **FULL, **change}
    assert emulator.hooks()[0] == answer.json()
    assert FULL.items() <= emulator.hooks()[1].items()


def test_a_hook_can_be_deleted(emulator: Emulator):
    """It is no longer listed, and its id is unknown."""
    emulator.subscribe(target_url=URL)
    hook = f"{emulator.url}/hooks/1"

    assert emulator.client.delete(hook).json()["id"] == 1
    assert emulator.read() == []
    assert [emulator.client.request(method, hook, json={}).status_code for method in ("DELETE", "PATCH")] == [404, 404]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({}, {"target_url", "event_type"}, id="no field"),
        pytest.param({**FULL, "target_url": "secret"}, {"target_url"}, id="not a URL"),
        pytest.param({**FULL, "request_method": "PUT"}, {"request_method"}, id="unknown method"),
        pytest.param({**FULL, "enabled": "maybe"}, {"enabled"}, id="neither true nor false"),
        pytest.param({**FULL, "filter": "491"}, {"filter"}, id="misspelt"),
        pytest.param([FULL], {"body"}, id="a list"),
    ],
)
def test_a_wrong_hook_is_refused_by_field(emulator: Emulator, fields, wrong):
    """422 names each wrong field without its value; the registered hooks stay as they were."""
    emulator.subscribe(target_url=URL)
    before = emulator.hooks()
    answers = [emulator.client.post(f"{emulator.url}/hooks", json=fields)]
    if fields:
        answers.append(emulator.client.patch(f"{emulator.url}/hooks/1", json=fields))

    for answer in answers:
        assert answer.status_code == 422
        assert set(answer.json()["wrong"]) == wrong
        assert "secret" not in answer.text
    assert emulator.hooks() == before


def test_hooks_survive_a_restart_with_a_state_file(tmp_path):
    """They are unchanged and ids are not reused; only the owner can read the file."""
    path = tmp_path / "new" / "hooks.json"
    with run_emulator(state_file=path) as emulator:
        for number in range(3):
            emulator.subscribe(target_url=f"{URL}/{number}", headers="A: 1")
        emulator.client.patch(f"{emulator.url}/hooks/1", json={"enabled": False})
        emulator.unsubscribe(3)
        before = emulator.hooks()

    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["hooks.json"]
    with run_emulator(state_file=path) as emulator:
        assert emulator.hooks() == before
        assert emulator.subscribe(target_url=URL) == 4


def test_hooks_are_lost_without_a_state_file():
    """Without a file an emulator starts empty."""
    with run_emulator() as emulator:
        emulator.subscribe(target_url=URL)
    with run_emulator() as emulator:
        assert emulator.hooks() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"hooks": [{"id": 1}]}'])
def test_a_foreign_state_file_is_not_overwritten(tmp_path, monkeypatch, capsys, content):
    """The process exits with code 2 and the setting's name, and leaves the file unchanged."""
    path = tmp_path / "hooks.json"
    path.write_bytes(content)

    monkeypatch.setenv("EMULATOR_STATE_FILE", str(path))
    with pytest.raises(SystemExit) as ended:
        from_environment()
    assert ended.value.code == 2
    assert "EMULATOR_STATE_FILE" in capsys.readouterr().err
    assert path.read_bytes() == content

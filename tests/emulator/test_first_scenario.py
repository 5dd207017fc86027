"""The first scenario for hooks starts once hooks are registered."""

import json

from seven.events import EVENT_TYPES
from tests.emulator.emulator_process import run_emulator
from tests.emulator.stub_receiver import Receiver


def test_a_first_scenario_waits_for_hooks(receiver: Receiver):
    """It starts after the registrations, and is delivered to all hooks registered one after the other."""
    with run_emulator(first_story=True, story_messages=20, story_seed=3, story_duplicates=0) as emulator:
        for event_type in EVENT_TYPES:
            assert emulator.progress() == {"state": "not started"}
            emulator.subscribe(target_url=receiver.url, event_type=event_type, request_method="JSON")
        report = emulator.final_report()
        assert emulator.client.get(f"{emulator.url}/scenarios").json() == {"scenarios": [report]}

    assert len(receiver.requests) == report["delivered"] > 20
    assert {json.loads(request.delivery.body)["webhook_event"] for request in receiver.requests} == set(EVENT_TYPES)


def test_a_first_scenario_uses_hooks_of_the_state_file(receiver: Receiver, tmp_path):
    """Hooks that survived a restart start the scenario without a registration."""
    with run_emulator(state_file=tmp_path / "hooks.json") as emulator:
        emulator.subscribe(target_url=receiver.url)
    with run_emulator(state_file=tmp_path / "hooks.json", first_story=True, story_messages=4) as emulator:
        assert emulator.final_report()["delivered"] > 4


def test_shutdown_does_not_wait_for_hooks():
    """An emulator whose first scenario waits for hooks ends at once."""
    with run_emulator(first_story=True) as emulator:
        assert emulator.progress() == {"state": "not started"}

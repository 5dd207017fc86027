"""The first story, told to the hooks: as soon as there are any."""

import json

from seven.events import EVENT_TYPES
from tests.emulator.emulator_process import emulating
from tests.emulator.stub_receiver import Receiver


def test_a_first_story_waits_for_the_hooks(receiver: Receiver):
    """It is told once hooks are registered, to all that were registered one after the other."""
    with emulating(first_story=True, story_messages=20, story_seed=3, story_duplicates=0) as one:
        for event_type in EVENT_TYPES:
            assert one.progress() == {"state": "untold"}
            one.subscribe(target_url=receiver.url, event_type=event_type, request_method="JSON")
        report = one.told()
        assert one.client.get(f"{one.url}/stories").json() == {"stories": [report]}

    assert len(receiver.heard) == report["delivered"] > 20
    assert {json.loads(one.delivery.body)["webhook_event"] for one in receiver.heard} == set(EVENT_TYPES)


def test_a_first_story_is_told_to_the_hooks_of_last_time(receiver: Receiver, tmp_path):
    """Hooks that outlived the restart are enough."""
    with emulating(state_file=tmp_path / "hooks.json") as one:
        one.subscribe(target_url=receiver.url)
    with emulating(state_file=tmp_path / "hooks.json", first_story=True, story_messages=4) as one:
        assert one.told()["delivered"] > 4


def test_an_emulator_ends_while_its_first_story_waits():
    """It does not wait for hooks that never come."""
    with emulating(first_story=True) as one:
        assert one.progress() == {"state": "untold"}

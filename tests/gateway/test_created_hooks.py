"""Created hooks: whatever the gateway lists, the reconciler does not create a hook over and over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from gateway.created_hooks import MOST_IN_A_DAY
from tests.emulator.emulator_process import Emulator
from tests.gateway.hook_runs import HERE, NewReconciler, apply, registered_urls


@pytest.fixture
def dialect() -> str:
    """The database stores only findings here, so one dialect is enough."""
    return "sqlite"


FILTERED = "[[hook]]\nevent_type = 'sms_mo'\nevent_filter = '4915126716517'\n"


@pytest.mark.parametrize(
    ("faults", "created", "named"),
    [
        pytest.param({"respell": ["host"]}, 1, None, id="host in capitals"),
        pytest.param({"respell": ["port"]}, 1, None, id="default port"),
        pytest.param({"respell": ["event_type"]}, 1, "event type", id="event type"),
        pytest.param({"respell": ["event_filter"]}, 1, "filter", id="filter"),
        pytest.param({"page": 0}, 1, "not listed", id="a list cut by pages"),
    ],
)
def test_no_spelling_creates_more_hooks(
    new_reconciler: NewReconciler, emulator: Emulator, faults: dict[str, Any], created: int, named: str | None
):
    """However the gateway lists a hook, it is created once; the reason names what is listed otherwise."""
    emulator.client.put(f"{emulator.url}/faults", json=faults).raise_for_status()
    for _ in range(5):
        result = apply(new_reconciler, seven_hooks=FILTERED)
    assert len(emulator.hooks()) == created
    assert (result.reason is None) if named is None else (named in str(result.reason))


def test_a_hook_that_was_never_listed_is_created_again_on_request_only(
    new_reconciler: NewReconciler, emulator: Emulator
):
    """However long ago it was created, it may deliver. A person who has checked the account may assert that it is gone."""
    emulator.client.put(f"{emulator.url}/faults", json={"page": 0}).raise_for_status()
    apply(new_reconciler)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        assert "is not listed" in str(apply(new_reconciler).reason)
    assert len(emulator.hooks()) == 1
    with new_reconciler(recreate_unlisted=True) as reconciler:
        assert [change.action for change in reconciler.run(apply=True).changes] == ["created"]
    assert len(emulator.hooks()) == 2


def test_a_hook_that_was_removed_here_did_not_vanish(new_reconciler: NewReconciler, emulator: Emulator):
    """While somebody tries settings: each change of them is carried out, however often that is."""
    split = "".join(f'[[hook]]\nevent_type = "{name}"\n' for name in ("dlr", "sms_mo"))
    for _ in range(5):
        for settings, event_types in (({}, ["all"]), ({"seven_hooks": split}, ["dlr", "sms_mo"])):
            assert apply(new_reconciler, **settings).reason is None
            apply(new_reconciler, **settings)
            assert sorted(hook["event_type"] for hook in emulator.hooks()) == event_types


def test_a_hook_that_was_removed_before_it_was_listed_may_be_created_again(
    new_reconciler: NewReconciler, emulator: Emulator
):
    """The list was cut when it was created, and another one was desired when the list was whole again."""
    emulator.client.put(f"{emulator.url}/faults", json={"page": 0}).raise_for_status()
    apply(new_reconciler)
    emulator.client.delete(f"{emulator.url}/faults")
    for _ in range(2):
        apply(new_reconciler, seven_hooks=FILTERED)
    assert [hook["event_type"] for hook in emulator.hooks()] == ["sms_mo"]
    for _ in range(2):
        assert apply(new_reconciler).reason is None
    assert [hook["event_type"] for hook in emulator.hooks()] == ["all"]


def test_a_hook_that_hides_and_reappears_does_not_pile_up(new_reconciler: NewReconciler, emulator: Emulator):
    """A hook that vanishes from the list is created again; once both are listed, one of them is removed."""
    apply(new_reconciler)
    for _ in range(6):
        emulator.subscribe(target_url="https://other.example/")
        emulator.client.put(f"{emulator.url}/faults", json={"page": 0}).raise_for_status()
        apply(new_reconciler)
        apply(new_reconciler)
        emulator.client.delete(f"{emulator.url}/faults")
        apply(new_reconciler)
    ours = [url for url in registered_urls(emulator) if url == HERE]
    assert 1 <= len(ours) <= 2


def test_a_hook_that_vanishes_each_time_is_left_alone(new_reconciler: NewReconciler, emulator: Emulator):
    """Someone removes it: three in a day are enough."""
    emulator.subscribe(target_url="https://other.example/")
    created = 0
    for _ in range(6):
        result = apply(new_reconciler)
        created += [change.action for change in result.changes].count("created")
        for hook in emulator.hooks():
            if hook["target_url"] == HERE:
                emulator.client.delete(f"{emulator.url}/hooks/{hook['id']}").raise_for_status()
    assert created == MOST_IN_A_DAY
    assert f"vanished {MOST_IN_A_DAY} times" in str(result.reason)

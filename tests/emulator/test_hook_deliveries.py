"""Delivering to hooks: exactly those that are registered are told, each as it wants to be."""

import json
from collections import Counter

import pytest

from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import scenario
from emulator.seeds import OUR_NUMBER
from emulator.settings import EmulatorSettings
from seven.events import EVENT_TYPES
from tests.emulator.emulator_process import SMALL, Emulator, emulating
from tests.emulator.stub_receiver import Heard, Receiver, wait_until

HAPPENED = Counter(
    one.event_type
    for one in scenario(SMALL["seed"], now=ScenarioRequest.of(EmulatorSettings(), SMALL).now, messages=20)
)
EVERYTHING = HAPPENED.total()


def at(receiver: Receiver, name: str) -> str:
    """A hook's URL of its own at this receiver."""
    return f"{receiver.url}/{name}"


def heard(receiver: Receiver, name: str) -> list[Heard]:
    return [one for one in receiver.heard if one.path.endswith(f"/{name}")]


def told_types(heard: list[Heard]) -> Counter[str]:
    return Counter(json.loads(one.delivery.body)["webhook_event"] for one in heard)


@pytest.mark.parametrize("event_type", ["all", *EVENT_TYPES])
def test_a_hook_is_told_of_its_event_type(emulator: Emulator, receiver: Receiver, event_type):
    """`all` of everything; any other of its own."""
    emulator.subscribe(target_url=receiver.url, event_type=event_type, request_method="JSON")
    report = emulator.told(emulator.tell())

    wanted = HAPPENED if event_type == "all" else Counter({event_type: HAPPENED[event_type]})
    assert told_types(receiver.heard) == wanted
    assert report["deliveries"] == report["delivered"] == wanted.total()
    assert report["hooks"] == {"1": wanted.total()}
    assert report["note"] is None


def test_every_matching_hook_is_told_once(emulator: Emulator, receiver: Receiver):
    """Hooks that overlap, and even twins, are each told; what nobody wants is told to nobody."""
    for name, event_type in {"a": "all", "b": "dlr", "c": "sms.mo", "d": "tracking"}.items():
        emulator.subscribe(target_url=at(receiver, name), event_type=event_type, request_method="JSON")
    emulator.subscribe(target_url=at(receiver, "d"), event_type="tracking", request_method="JSON")
    report = emulator.told(emulator.tell())

    assert {name: len(heard(receiver, name)) for name in "abcd"} == {
        "a": EVERYTHING,
        "b": HAPPENED["dlr"],
        "c": 0,
        "d": 2 * HAPPENED["tracking"],
    }
    assert report["deliveries"] == report["delivered"] == len(receiver.heard)
    assert report["hooks"] == {
        "1": EVERYTHING,
        "2": HAPPENED["dlr"],
        "4": HAPPENED["tracking"],
        "5": HAPPENED["tracking"],
    }


@pytest.mark.parametrize(
    ("event_filter", "told"),
    [
        pytest.param(OUR_NUMBER, {"sms_mo", "voice_call"}, id="the inbound number"),
        pytest.param(OUR_NUMBER[:-1], set(), id="the beginning of it"),
        pytest.param(f"+{OUR_NUMBER}", set(), id="written otherwise"),
        pytest.param("", set(EVENT_TYPES), id="no filter"),
    ],
)
def test_a_filter_is_an_inbound_number(emulator: Emulator, receiver: Receiver, event_filter, told):
    """To the letter; what has no inbound number passes no filter."""
    emulator.subscribe(target_url=receiver.url, event_filter=event_filter, request_method="JSON")
    emulator.told(emulator.tell())

    assert told_types(receiver.heard) == Counter({one: HAPPENED[one] for one in told})


@pytest.mark.parametrize(("method", "content_type"), [("JSON", "application/json"), ("POST", "application/x-www-form-urlencoded"), ("GET", None)])  # fmt: skip
def test_a_hook_is_told_in_its_method(emulator: Emulator, receiver: Receiver, method, content_type):
    """Nested, unless the order or the settings say otherwise."""
    emulator.subscribe(target_url=f"{receiver.url}?tenant=7", event_type="dlr", request_method=method)
    emulator.told(emulator.tell())

    assert {one.delivery.request_method for one in receiver.heard} == {method}
    assert {one.headers.get("content-type") for one in receiver.heard} == {content_type}
    assert all(b"tenant=7" in one.delivery.query for one in receiver.heard)
    words = [one.delivery.decode() for one in receiver.heard]
    assert all(set(one) - {"tenant"} == {"data", "webhook_event", "webhook_timestamp"} for one in words)


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        pytest.param({}, {"layouts": ["flat"]}, id="ordered"),
        pytest.param({"story_layouts": ("flat",)}, {}, id="set"),
    ],
)
def test_a_hook_can_be_told_flat(receiver: Receiver, settings, order):
    """Which layout the gateway's forms have is not certain."""
    with emulating(**settings) as one:
        one.subscribe(target_url=receiver.url, event_type="dlr")
        one.told(one.tell(**order))

    assert receiver.heard
    assert not [one for one in receiver.heard if "data" in one.delivery.decode()]


@pytest.mark.parametrize(
    ("headers", "arrived"),
    [
        pytest.param("X-Shared-Secret: s3cret", {"x-shared-secret": "s3cret"}, id="one"),
        pytest.param("A: 1\nB:2\r\nC: x: y ", {"a": "1", "b": "2", "c": "x: y"}, id="several"),
        pytest.param("Authorization: Basic dTpw", {"authorization": "Basic dTpw"}, id="a password"),
        pytest.param("A: ü", {"a": "ü".encode().decode("latin-1")}, id="not ASCII"),
        pytest.param("no header\nA b: 1\n: 2\n\nC: 3", {"c": "3"}, id="lines that are none"),
        pytest.param("Host: evil\nContent-Length: 3\nContent-Type: x", {"content-type": "application/json"}, id="ours"),
        pytest.param("A: 1\x00\nB: 2", {"b": "2"}, id="control characters"),
    ],
)
def test_a_hooks_headers_are_sent(emulator: Emulator, receiver: Receiver, headers, arrived):
    """With every delivery, but none that would break the request."""
    emulator.subscribe(target_url=receiver.url, event_type="dlr", request_method="JSON", headers=headers)
    report = emulator.told(emulator.tell())

    assert report["delivered"] == len(receiver.heard) == HAPPENED["dlr"]
    assert all(arrived.items() <= one.headers.items() for one in receiver.heard)
    assert not {"host", "content-length"} & set(arrived)
    assert all(one.headers["host"] in receiver.url for one in receiver.heard)


def test_a_disabled_hook_is_not_told(emulator: Emulator, receiver: Receiver):
    """And a story that nobody wants says so."""
    emulator.subscribe(target_url=receiver.url)
    emulator.client.patch(f"{emulator.url}/hooks/1", json={"enabled": False})
    report = emulator.told(emulator.tell())

    assert receiver.heard == []
    assert report["deliveries"] == 0
    assert report["note"] == "nothing to deliver: no registered hook is enabled and wants any of this story"


def test_without_hooks_and_target_there_is_nothing_to_deliver(emulator: Emulator):
    """The report says why."""
    report = emulator.told(emulator.tell())

    assert (report["deliveries"], report["attempts"]) == (0, 0)
    assert report["note"] == "nothing to deliver: no hook is registered, and the story has no target_url"


def test_a_target_goes_over_the_hooks(emulator: Emulator, receiver: Receiver):
    """A story that names a target is told there and nowhere else."""
    emulator.subscribe(target_url=at(receiver, "hook"))
    report = emulator.told(emulator.tell(target_url=at(receiver, "target"), methods=["JSON"]))

    assert len(heard(receiver, "target")) == len(receiver.heard) == EVERYTHING
    assert report["hooks"] == {}


def test_an_order_can_name_no_target(receiver: Receiver):
    """With null for a target, a story goes to the hooks though the settings name a target."""
    with emulating(target_url=at(receiver, "target"), story_messages=0) as one:
        one.subscribe(target_url=at(receiver, "hook"))
        one.told(one.tell(target_url=None))

    assert len(heard(receiver, "hook")) == len(receiver.heard) == EVERYTHING


def test_methods_are_the_hooks_own(emulator: Emulator):
    """An order that would choose them is refused."""
    answer = emulator.client.post(f"{emulator.url}/stories", json={"methods": ["JSON"]})

    assert (answer.status_code, set(answer.json()["wrong"])) == (422, {"methods"})


def test_repeats_go_to_every_hook(emulator: Emulator, receiver: Receiver):
    """At least once means each of them may hear it twice, to the letter."""
    for name in "ab":
        emulator.subscribe(target_url=at(receiver, name), request_method="JSON")
    emulator.told(emulator.tell(duplicates=1))

    for name in "ab":
        assert set(Counter(one.delivery for one in heard(receiver, name)).values()) == {2}


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda one: one.client.patch(f"{one.url}/hooks/1", json={"enabled": False}), id="disabled"),
        pytest.param(lambda one: one.client.delete(f"{one.url}/hooks/1"), id="deleted"),
        pytest.param(lambda one: one.unsubscribe(1), id="unsubscribed"),
    ],
)
def test_a_hook_that_ends_is_not_told_from_then_on(emulator: Emulator, receiver: Receiver, end):
    """Nor is one told of before it was registered; what is under way arrives."""
    emulator.subscribe(target_url=at(receiver, "old"), request_method="JSON")
    number = emulator.tell(messages=40, rate=100)
    wait_until(lambda: len(receiver.heard) > 20)
    emulator.subscribe(target_url=at(receiver, "new"), request_method="JSON")
    wait_until(lambda: len(heard(receiver, "new")) > 10)
    end(emulator)
    begun = emulator.progress(number)["hooks"]["1"]
    report = emulator.told(number)

    old, new = ({one.delivery for one in heard(receiver, name)} for name in ("old", "new"))
    assert len(old) == begun
    assert 0 < len(old & new) < len(new)
    assert len(old | new) == len(scenario(3, now=ScenarioRequest.of(EmulatorSettings(), {}).now, messages=40))
    assert report["deliveries"] == report["delivered"] == len(old) + len(new) == len(receiver.heard)
    assert report["hooks"] == {"1": len(old), "2": len(new)}


def test_retries_outlive_their_hook(emulator: Emulator, receiver: Receiver):
    """What was begun is tried to its end: an old token meets retries for days."""
    receiver.answer = lambda heard: 503
    emulator.subscribe(target_url=receiver.url)
    number = emulator.tell(compression=1e4)
    wait_until(lambda: len({one.delivery for one in receiver.heard}) == EVERYTHING)
    emulator.unsubscribe(1)
    receiver.answer = lambda heard: 202
    report = emulator.told(number)

    assert report["delivered"] == report["deliveries"] == EVERYTHING

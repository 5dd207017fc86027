"""Deliveries to hooks: every matching hook receives them, in its own method and with its headers."""

import json
from collections import Counter

import pytest

from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import scenario
from emulator.seeds import OUR_NUMBER
from emulator.settings import EmulatorSettings
from seven.events import EVENT_TYPES
from tests.emulator.emulator_process import SMALL, Emulator, run_emulator
from tests.emulator.stub_receiver import ReceivedRequest, Receiver, wait_until

EVENT_COUNTS = Counter(
    event.event_type
    for event in scenario(SMALL["seed"], now=ScenarioRequest.of(EmulatorSettings(), SMALL).now, messages=20)
)
ALL_EVENTS = EVENT_COUNTS.total()


def url_of(receiver: Receiver, name: str) -> str:
    """The URL of a named hook at this receiver."""
    return f"{receiver.url}/{name}"


def requests_to(receiver: Receiver, name: str) -> list[ReceivedRequest]:
    return [request for request in receiver.requests if request.path.endswith(f"/{name}")]


def event_types(requests: list[ReceivedRequest]) -> Counter[str]:
    return Counter(json.loads(request.delivery.body)["webhook_event"] for request in requests)


@pytest.mark.parametrize("event_type", ["all", *EVENT_TYPES])
def test_a_hook_receives_its_event_type(emulator: Emulator, receiver: Receiver, event_type):
    """A hook for `all` receives every event; any other only its own type."""
    emulator.subscribe(target_url=receiver.url, event_type=event_type, request_method="JSON")
    report = emulator.final_report(emulator.run_scenario())

    expected = EVENT_COUNTS if event_type == "all" else Counter({event_type: EVENT_COUNTS[event_type]})
    assert event_types(receiver.requests) == expected
    assert report["deliveries"] == report["delivered"] == expected.total()
    assert report["hooks"] == {"1": expected.total()}
    assert report["note"] is None


def test_a_hook_may_have_another_name_of_its_event_type(emulator: Emulator, receiver: Receiver):
    """As the gateway's own tools write it."""
    emulator.subscribe(target_url=receiver.url, event_type="sms.mo", request_method="JSON")
    emulator.final_report(emulator.run_scenario())
    assert event_types(receiver.requests) == Counter({"sms_mo": EVENT_COUNTS["sms_mo"]})


def test_every_matching_hook_receives_an_event_once(emulator: Emulator, receiver: Receiver):
    """Overlapping and identical hooks each receive it; a hook with an unknown event type receives nothing."""
    for name, event_type in {"a": "all", "b": "dlr", "c": "sms-mo", "d": "tracking"}.items():
        emulator.subscribe(target_url=url_of(receiver, name), event_type=event_type, request_method="JSON")
    emulator.subscribe(target_url=url_of(receiver, "d"), event_type="tracking", request_method="JSON")
    report = emulator.final_report(emulator.run_scenario())

    assert {name: len(requests_to(receiver, name)) for name in "abcd"} == {
        "a": ALL_EVENTS,
        "b": EVENT_COUNTS["dlr"],
        "c": 0,
        "d": 2 * EVENT_COUNTS["tracking"],
    }
    assert report["deliveries"] == report["delivered"] == len(receiver.requests)
    assert report["hooks"] == {
        "1": ALL_EVENTS,
        "2": EVENT_COUNTS["dlr"],
        "4": EVENT_COUNTS["tracking"],
        "5": EVENT_COUNTS["tracking"],
    }


@pytest.mark.parametrize(
    ("event_filter", "expected_types"),
    [
        pytest.param(OUR_NUMBER, {"sms_mo", "voice_call", "wa_mo"}, id="the inbound number"),
        pytest.param(OUR_NUMBER[:-1], set(), id="a prefix of it"),
        pytest.param(f"+{OUR_NUMBER}", set(), id="another notation"),
        pytest.param("", set(EVENT_TYPES), id="no filter"),
    ],
)
def test_a_filter_is_an_inbound_number(emulator: Emulator, receiver: Receiver, event_filter, expected_types):
    """It must match the whole number; events without an inbound number pass no filter."""
    emulator.subscribe(target_url=receiver.url, event_filter=event_filter, request_method="JSON")
    emulator.final_report(emulator.run_scenario())

    assert event_types(receiver.requests) == Counter(
        {event_type: EVENT_COUNTS[event_type] for event_type in expected_types}
    )


@pytest.mark.parametrize(
    ("method", "content_type"),
    [("JSON", "application/json"), ("POST", "application/x-www-form-urlencoded"), ("GET", None)],
)
def test_a_hook_receives_its_request_method(emulator: Emulator, receiver: Receiver, method, content_type):
    """The layout is nested, unless the request or the settings change it."""
    emulator.subscribe(target_url=f"{receiver.url}?tenant=7", event_type="dlr", request_method=method)
    emulator.final_report(emulator.run_scenario())

    assert {request.delivery.request_method for request in receiver.requests} == {method}
    assert {request.headers.get("content-type") for request in receiver.requests} == {content_type}
    assert all(b"tenant=7" in request.delivery.query for request in receiver.requests)
    payloads = [request.delivery.decode() for request in receiver.requests]
    assert all(set(payload) - {"tenant"} == {"data", "webhook_event", "webhook_timestamp"} for payload in payloads)


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        pytest.param({}, {"layouts": ["flat"]}, id="request"),
        pytest.param({"story_layouts": ("flat",)}, {}, id="setting"),
    ],
)
def test_a_hook_can_receive_the_flat_layout(receiver: Receiver, settings, fields):
    """The emulator supports it, since the layout of the gateway's forms is uncertain."""
    with run_emulator(**settings) as emulator:
        emulator.subscribe(target_url=receiver.url, event_type="dlr")
        emulator.final_report(emulator.run_scenario(**fields))

    assert receiver.requests
    assert not [request for request in receiver.requests if "data" in request.delivery.decode()]


@pytest.mark.parametrize(
    ("headers", "arrived"),
    [
        pytest.param("X-Shared-Secret: s3cret", {"x-shared-secret": "s3cret"}, id="one header"),
        pytest.param("A: 1\nB:2\r\nC: x: y ", {"a": "1", "b": "2", "c": "x: y"}, id="several headers"),
        pytest.param("Authorization: Basic dTpw", {"authorization": "Basic dTpw"}, id="a password"),
        pytest.param("A: ü", {"a": "ü".encode().decode("latin-1")}, id="not ASCII"),
        pytest.param("no header\nA b: 1\n: 2\n\nC: 3", {"c": "3"}, id="lines that are not headers"),
        pytest.param(
            "Host: evil\nContent-Length: 3\nContent-Type: x",
            {"content-type": "application/json"},
            id="reserved headers",
        ),
        pytest.param("A: 1\x00\nB: 2", {"b": "2"}, id="control characters"),
    ],
)
def test_a_hooks_headers_are_sent(emulator: Emulator, receiver: Receiver, headers, arrived):
    """Every delivery carries them, except those that would break the request."""
    emulator.subscribe(target_url=receiver.url, event_type="dlr", request_method="JSON", headers=headers)
    report = emulator.final_report(emulator.run_scenario())

    assert report["delivered"] == len(receiver.requests) == EVENT_COUNTS["dlr"]
    assert all(arrived.items() <= request.headers.items() for request in receiver.requests)
    assert not {"host", "content-length"} & set(arrived)
    assert all(request.headers["host"] in receiver.url for request in receiver.requests)


def test_a_disabled_hook_receives_nothing(emulator: Emulator, receiver: Receiver):
    """The report says that no hook matches."""
    emulator.subscribe(target_url=receiver.url)
    emulator.client.patch(f"{emulator.url}/hooks/1", json={"enabled": False})
    report = emulator.final_report(emulator.run_scenario())

    assert receiver.requests == []
    assert report["deliveries"] == 0
    assert report["note"] == "nothing to deliver: no enabled hook matches any event of this scenario"


def test_without_hooks_and_target_there_is_nothing_to_deliver(emulator: Emulator):
    """The report says why."""
    report = emulator.final_report(emulator.run_scenario())

    assert (report["deliveries"], report["attempts"]) == (0, 0)
    assert report["note"] == "nothing to deliver: no hook is registered, and the scenario has no target_url"


def test_a_target_replaces_the_hooks(emulator: Emulator, receiver: Receiver):
    """A scenario with a target is delivered there and nowhere else."""
    emulator.subscribe(target_url=url_of(receiver, "hook"))
    report = emulator.final_report(emulator.run_scenario(target_url=url_of(receiver, "target"), methods=["JSON"]))

    assert len(requests_to(receiver, "target")) == len(receiver.requests) == ALL_EVENTS
    assert report["hooks"] == {}


def test_a_request_can_unset_the_target(receiver: Receiver):
    """With null as target, a scenario is delivered to the hooks although the settings name a target."""
    with run_emulator(target_url=url_of(receiver, "target"), story_messages=0) as emulator:
        emulator.subscribe(target_url=url_of(receiver, "hook"))
        emulator.final_report(emulator.run_scenario(target_url=None))

    assert len(requests_to(receiver, "hook")) == len(receiver.requests) == ALL_EVENTS


def test_methods_are_the_hooks_own(emulator: Emulator):
    """A request that sets methods without a target is refused."""
    answer = emulator.client.post(f"{emulator.url}/scenarios", json={"methods": ["JSON"]})

    assert (answer.status_code, set(answer.json()["wrong"])) == (422, {"methods"})


def test_repeats_go_to_every_hook(emulator: Emulator, receiver: Receiver):
    """With duplicates, each hook receives identical deliveries twice."""
    for name in "ab":
        emulator.subscribe(target_url=url_of(receiver, name), request_method="JSON")
    emulator.final_report(emulator.run_scenario(duplicates=1))

    for name in "ab":
        assert set(Counter(request.delivery for request in requests_to(receiver, name)).values()) == {2}


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(
            lambda emulator: emulator.client.patch(f"{emulator.url}/hooks/1", json={"enabled": False}), id="disabled"
        ),
        pytest.param(lambda emulator: emulator.client.delete(f"{emulator.url}/hooks/1"), id="deleted"),
        pytest.param(lambda emulator: emulator.unsubscribe(1), id="unsubscribed"),
    ],
)
def test_a_hook_receives_nothing_after_its_end(emulator: Emulator, receiver: Receiver, end):
    """Nor does a new hook before its registration; deliveries begun before the end arrive."""
    emulator.subscribe(target_url=url_of(receiver, "old"), request_method="JSON")
    number = emulator.run_scenario(messages=40, rate=100)
    wait_until(lambda: len(receiver.requests) > 20)
    emulator.subscribe(target_url=url_of(receiver, "new"), request_method="JSON")
    wait_until(lambda: len(requests_to(receiver, "new")) > 10)
    end(emulator)
    begun = emulator.progress(number)["hooks"]["1"]
    report = emulator.final_report(number)

    old, new = ({request.delivery for request in requests_to(receiver, name)} for name in ("old", "new"))
    assert len(old) == begun
    assert 0 < len(old & new) < len(new)
    assert len(old | new) == len(scenario(3, now=ScenarioRequest.of(EmulatorSettings(), {}).now, messages=40))
    assert report["deliveries"] == report["delivered"] == len(old) + len(new) == len(receiver.requests)
    assert report["hooks"] == {"1": len(old), "2": len(new)}


def test_retries_continue_after_their_hook_is_removed(emulator: Emulator, receiver: Receiver):
    """A delivery that has begun is retried to its end: an old token receives retries for days."""
    receiver.answer = lambda request: 503
    emulator.subscribe(target_url=receiver.url)
    number = emulator.run_scenario(compression=1e4)
    wait_until(lambda: len({request.delivery for request in receiver.requests}) == ALL_EVENTS)
    emulator.unsubscribe(1)
    receiver.answer = lambda request: 202
    report = emulator.final_report(number)

    assert report["delivered"] == report["deliveries"] == ALL_EVENTS

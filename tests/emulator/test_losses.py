"""Losses: webhooks that are dropped, delayed or switched off, while the journal has all."""

import json
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from emulator.losses import with_losses
from emulator.scenario_request import ScenarioRequest
from emulator.scenarios import scenario
from emulator.wire import PlannedDelivery
from tests.emulator.emulator_process import Emulator
from tests.emulator.journals import play, read
from tests.emulator.stub_receiver import Receiver


@pytest.fixture
def emulator(emulator: Emulator, receiver: Receiver) -> Emulator:
    """An emulator with one hook."""
    emulator.subscribe(target_url=receiver.url, request_method="JSON")
    return emulator


def received(receiver: Receiver) -> Counter[str]:
    """The number of deliveries by event type."""
    return Counter(json.loads(request.delivery.body)["webhook_event"] for request in receiver.requests)


def test_a_share_of_webhooks_can_be_dropped(emulator: Emulator, receiver: Receiver):
    """Exactly this share of the events, with their repeats; the seed decides which; the journal has all."""
    whole = play(emulator)
    outbound = read(emulator, "outbound")
    receiver.requests.clear()
    total = sum(whole["events"].values())
    reports = [play(emulator, drop=0.25) for _ in range(2)]

    assert whole["dropped"] == 0
    assert whole["deliveries"] == total
    for report in reports:
        assert report["dropped"] == round(0.25 * total)
        assert report["deliveries"] == report["delivered"] == total - report["dropped"]
        assert report["events"] == whole["events"]
    assert {request.nth for request in receiver.requests} == {1, 2}, "the same ones are dropped"
    assert len({request.delivery for request in receiver.requests}) == len(receiver.requests) / 2
    assert read(emulator, "outbound") == outbound

    repeated = play(emulator, drop=1, duplicates=1)
    assert (repeated["deliveries"], repeated["dropped"], repeated["note"]) == (0, 2 * total, None)


def test_event_types_can_be_dropped_alone(emulator: Emulator, receiver: Receiver):
    """All others come; each hook that would have matched counts."""
    emulator.subscribe(target_url=receiver.url, request_method="JSON", event_type="sms_mo")
    report = play(emulator, drop=1, drop_types=["dlr", "sms_mo"])
    expected = {name: count for name, count in report["events"].items() if name not in ("dlr", "sms_mo")}

    assert received(receiver) == expected
    assert report["dropped"] == report["events"]["dlr"] + 2 * report["events"]["sms_mo"]


def test_a_target_is_dropped_from_as_well(emulator: Emulator, receiver: Receiver):
    """Without any hook."""
    report = play(emulator, drop=0.5, target_url=receiver.url, methods=["JSON"])

    assert len(receiver.requests) == report["deliveries"] == report["delivered"]
    assert report["dropped"] + report["deliveries"] == sum(report["events"].values())


def test_webhooks_can_be_delayed(emulator: Emulator, receiver: Receiver):
    """They come `delay_s` after their turn, by the clock on the wall."""
    began = time.monotonic()
    report = play(emulator, delay=1, delay_types=["dlr"], delay_s=1)

    assert report["delivered"] == sum(report["events"].values())
    types = [json.loads(request.delivery.body)["webhook_event"] for request in receiver.requests]
    late = [request.at for request, event_type in zip(receiver.requests, types, strict=True) if event_type == "dlr"]
    assert len(late) == report["events"]["dlr"]
    assert min(late) >= began + 1


def test_only_the_named_event_types_are_delayed():
    """The others keep their turn."""
    request = ScenarioRequest.model_construct(seed=1, drop=0, drop_types=[], delay=1, delay_types=["dlr"], delay_s=3)
    planned = with_losses(
        [PlannedDelivery(event) for event in scenario(request.seed, now=datetime.now(UTC), messages=20)], request
    )

    assert {each.event.event_type for each in planned if each.delay_s} == {"dlr"}
    assert all(each.delay_s == 3 for each in planned if each.event.event_type == "dlr")


def test_webhooks_can_be_switched_off_and_on(emulator: Emulator, receiver: Receiver):
    """By the hook's `enabled`; what happened meanwhile is in the journal alone, and counts as dropped nowhere."""
    hook = f"{emulator.url}/hooks/1"
    emulator.client.patch(hook, json={"enabled": False})
    silent = play(emulator)
    assert (silent["deliveries"], silent["dropped"], receiver.requests) == (0, 0, [])
    assert len(read(emulator, "outbound")) == 23

    emulator.client.patch(hook, json={"enabled": True})
    assert play(emulator, seed=4)["delivered"] == len(receiver.requests) > 20


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({"drop": 1.1}, "drop", id="more than all"),
        pytest.param({"drop_types": ["fax"]}, "drop_types.0", id="unknown type"),
        pytest.param({"delay_types": "dlr"}, "delay_types", id="no list"),
        pytest.param({"delay_s": -1}, "delay_s", id="negative"),
    ],
)
def test_a_wrong_loss_is_refused_by_field(emulator: Emulator, fields, wrong):
    """422 names the field."""
    answer = emulator.client.post(f"{emulator.url}/scenarios", json=fields)

    assert (answer.status_code, {*answer.json()["wrong"]}) == (422, {wrong})

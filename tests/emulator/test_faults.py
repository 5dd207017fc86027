"""Faults of the gateway, injected on demand."""

import time

import httpx2
import pytest

from tests.emulator.emulator_process import Emulator
from tests.emulator.stub_receiver import wait_until
from tests.servers import PATIENCE_S

URL = "https://your-domain.com/webhook"


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    """An emulator with one hook."""
    emulator.subscribe(target_url=URL)
    return emulator


def put(emulator: Emulator, *faults: dict) -> dict:
    answer = emulator.client.put(f"{emulator.url}/faults", json=faults[0] if len(faults) == 1 else list(faults))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("fault", "status", "begins"),
    [
        pytest.param({"status": 500}, 500, b"HTTP 500", id="500"),
        pytest.param({"status": 401}, 401, b"HTTP 401", id="401"),
        pytest.param({"code": "900"}, 200, b'"900"', id="wrong key"),
        pytest.param({"code": 900}, 200, b"900", id="wrong key, a number"),
        pytest.param({"code": "901"}, 200, b'"901"', id="signing failed"),
        pytest.param({"code": 902}, 200, b"902", id="missing rights"),
        pytest.param({"code": "903"}, 200, b'"903"', id="IP refused"),
        pytest.param({"garbage": True}, 200, b"<br />", id="garbage"),
    ],
)
@pytest.mark.parametrize("action", ["read", "subscribe", "unsubscribe"])
def test_a_fault_replaces_the_answer(emulator: Emulator, fault, status, begins, action):
    """The request is not performed, unless the fault says so."""
    fields = {"action": action, "target_url": URL, "event_type": "all"}
    for performed in (False, True):
        put(emulator, {**fault, "performed": performed})
        answer = emulator.client.post(emulator.api, data=fields)

        assert answer.status_code == status
        assert answer.content.startswith(begins)
        expected_hooks = {"read": 1, "subscribe": 2, "unsubscribe": 0}[action]
        assert len(emulator.hooks()) == (expected_hooks if performed else 1)


@pytest.mark.parametrize(
    ("fault", "listed"),
    [
        pytest.param({"hooks": "empty"}, {"success": True, "code": None, "hooks": []}, id="empty list"),
        pytest.param({"hooks": "missing"}, {"success": True, "code": None}, id="no list"),
        pytest.param(
            {"strings": True, "omit": ["created", "event_filter", "target_url"]},
            {
                "success": "true",
                "code": None,
                "hooks": [{"id": "1", "event_type": "all", "request_method": "POST", "enabled": "true"}],
            },
            id="booleans as strings",
        ),
        pytest.param(
            {"swap_ids": True, "omit": ["created", "enabled", "target_url"]},
            {
                "success": True,
                "code": None,
                "hooks": [{"id": 1, "event_type": "all", "event_filter": None, "request_method": "POST"}],
            },
            id="ids as numbers, and an older version's keys",
        ),
    ],
)
def test_a_read_can_be_distorted(emulator: Emulator, fault, listed):
    """In every way that the vendor's own clients handle, and in others."""
    put(emulator, fault)

    assert emulator.client.get(emulator.api).json() == listed
    assert len(emulator.hooks()) == 1


def test_a_subscribe_can_be_distorted(emulator: Emulator):
    """Its id and its success can be strings."""
    put(emulator, {"strings": True, "swap_ids": True})
    answer = emulator.client.post(emulator.api, data={"target_url": URL, "event_type": "dlr"})

    assert answer.json() == {"success": "true", "code": None, "id": "2"}


def test_an_answer_can_be_slow(emulator: Emulator):
    """The request is performed before the delay, even if the client does not wait."""
    put(emulator, {"slow": 0.3})
    began_at = time.monotonic()
    assert emulator.client.get(emulator.api).json()["success"] is True
    assert time.monotonic() - began_at >= 0.3

    put(emulator, {"slow": 1})
    short_timeout = httpx2.Timeout(PATIENCE_S, read=0.2)
    with pytest.raises(httpx2.ReadTimeout):
        emulator.client.post(emulator.api, data={"target_url": URL, "event_type": "dlr"}, timeout=short_timeout)
    wait_until(lambda: [hook["event_type"] for hook in emulator.hooks()] == ["all", "dlr"])


def test_a_fault_ends_after_its_times(emulator: Emulator):
    """It affects this number of requests, and no more."""
    put(emulator, {"code": 903, "times": 2})
    answers = [emulator.client.get(emulator.api).json() for _ in range(3)]

    assert answers[:2] == [903, 903]
    assert answers[2]["success"] is True
    assert emulator.client.get(f"{emulator.url}/faults").json()["faults"] == [{"code": 903, "times": 2, "left": 0}]


def test_a_fault_can_be_limited_to_actions(emulator: Emulator):
    """The first fault that applies takes effect; other actions are unaffected."""
    put(emulator, {"status": 503, "actions": ["unsubscribe"]}, {"hooks": "empty", "actions": ["read"], "times": 1})

    assert emulator.client.delete(emulator.api, params={"id": 1}).status_code == 503
    assert [len(emulator.read()) for _ in range(2)] == [0, 1]
    assert emulator.subscribe(target_url=URL) == 2


def test_faults_end_when_they_are_deleted(emulator: Emulator):
    """Deleting ends all faults; a new fault replaces the old ones."""
    put(emulator, {"code": 900})
    assert put(emulator, {"code": 902})["faults"] == [{"code": 902, "left": None}]
    assert emulator.client.delete(f"{emulator.url}/faults").json()["faults"] == []
    assert len(emulator.read()) == 1


def test_requests_are_counted_by_action(emulator: Emulator):
    """Every request to the API counts, refused and failed ones included; requests to the controls do not."""
    emulator.read()
    emulator.client.get(emulator.api, headers={"X-Api-Key": ""})
    emulator.client.post(emulator.api, data={"action": "drop"})
    put(emulator, {"garbage": True})
    emulator.client.delete(emulator.api)
    emulator.hooks()

    assert emulator.client.get(f"{emulator.url}/faults").json()["requests"] == {
        "read": 2,
        "subscribe": 1,
        "unsubscribe": 1,
        "unknown": 1,
    }


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({}, {"body"}, id="no effect"),
        pytest.param({"times": 3, "actions": ["read"]}, {"body"}, id="no effect, three times"),
        pytest.param({"status": 500, "code": 900}, {"body"}, id="two answers at once"),
        pytest.param({"slow": 1, "performed": True}, {"body"}, id="performed without another answer"),
        pytest.param({"slow": -1, "status": 200}, {"slow", "status"}, id="out of range"),
        pytest.param({"slow": 1000}, {"slow"}, id="too slow"),
        pytest.param({"code": "wrong key"}, {"code"}, id="not a code"),
        pytest.param({"code": True}, {"code"}, id="a boolean as a code"),
        pytest.param({"garbage": True, "times": 0}, {"times"}, id="zero times"),
        pytest.param({"garbage": True, "actions": ["list"]}, {"actions.0"}, id="unknown action"),
        pytest.param({"hooks": "none"}, {"hooks"}, id="unknown list"),
        pytest.param({"slowness": 1}, {"slowness"}, id="misspelt"),
        pytest.param([{"slow": 1}, {"omit": ["name"]}], {"1.omit.0"}, id="the second of two"),
        pytest.param("slow", {"body"}, id="a string"),
    ],
)
def test_a_wrong_fault_is_refused_by_field(emulator: Emulator, fields, wrong):
    """422 names each wrong field, and the faults stay as they were."""
    before = put(emulator, {"code": 900})["faults"]
    answer = emulator.client.put(f"{emulator.url}/faults", json=fields)

    assert answer.status_code == 422
    assert set(answer.json()["wrong"]) == wrong
    assert emulator.client.get(f"{emulator.url}/faults").json()["faults"] == before

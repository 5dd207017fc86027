"""Controls: the emulator's own HTTP endpoints, and the story it tells at its start."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from emulator.app import create_app
from emulator.scenario_request import ScenarioRequest
from emulator.settings import EmulatorSettings
from tests.emulator.stub_receiver import Receiver, wait_until

PLAIN = {"emulator_story_duplicates": 0.0}


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(EmulatorSettings(**PLAIN))) as one:
        yield one


def told(client: TestClient, number: int) -> dict:
    """A story's progress, once it is told."""
    deadline = time.monotonic() + 20
    while (progress := client.get(f"/stories/{number}").json())["state"] == "telling":
        assert time.monotonic() < deadline, "not in time"
    return progress


def test_a_story_is_told_on_demand(client, receiver):
    """The story's number comes at once; the report counts what arrived, and lists the receiver's ids."""
    receiver.answer = lambda heard: {0: 202, 1: 404}.get(len(receiver.heard) % 10, 202)
    asked = client.post("/stories", json={"seed": 7, "messages": 20, "target_url": receiver.url, "duplicates": 0.5})
    assert (asked.status_code, asked.json()) == (202, {"story": 1})

    progress = told(client, 1)
    ids = client.get("/stories/1/ids").json()
    assert progress["state"] == "told"
    assert progress["seed"] == 7
    assert progress["deliveries"] == progress["attempts"] == len(receiver.heard)
    assert progress["delivered"] + progress["refused"] == progress["deliveries"]
    assert progress["refusals"] == {"404": progress["refused"]}
    assert progress["outcomes"] == {"accepted": progress["delivered"]}
    assert ids["outcomes"] == {"accepted": ids["ids"]}
    assert len(set(ids["ids"])) == progress["delivered"]
    assert client.get("/stories").json() == {"stories": [progress]}


def test_a_first_story_is_told_at_the_start(receiver):
    """With a target in its settings the emulator needs nobody to ask."""
    settings = EmulatorSettings(emulator_target_url=receiver.url, emulator_story_messages=8, **PLAIN)
    with TestClient(create_app(settings)) as client:
        progress = told(client, 1)

    assert progress["delivered"] == progress["deliveries"] == len(receiver.heard) > 8


def test_told_again_on_one_day_it_is_the_same_story(receiver):
    """A restarted emulator repeats itself to the letter; it does not make up a second past for its messages."""
    order = ScenarioRequest.of(EmulatorSettings(), {"target_url": receiver.url})
    assert order.now == datetime.combine(datetime.now(UTC), datetime.min.time(), UTC)

    settings = EmulatorSettings(emulator_target_url=receiver.url, emulator_story_messages=8, **PLAIN)
    for _ in range(2):
        with TestClient(create_app(settings)) as client:
            told(client, 1)

    assert {heard.nth for heard in receiver.heard} == {1, 2}
    assert len({heard.delivery for heard in receiver.heard}) == len(receiver.heard) / 2


def test_what_an_order_says_goes_over_the_settings(receiver):
    """Methods, layouts and the rest can be chosen story by story."""
    settings = EmulatorSettings(emulator_target_url="http://127.0.0.1:9/", emulator_story_messages=0)
    order = {"target_url": receiver.url, "messages": 3, "methods": ["POST"], "layouts": ["bare"], "rate": 1000}
    with TestClient(create_app(settings)) as client:
        client.post("/stories", json={**order, "now": "2026-01-01T00:00:00Z"})
        told(client, 2)

    assert {heard.delivery.request_method for heard in receiver.heard} == {"POST"}
    assert {heard.path.rsplit("/", 1)[1] for heard in receiver.heard} >= {"dlr", "voice_status"}
    assert b"2025-12-29" in b"".join(heard.delivery.body for heard in receiver.heard)


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        pytest.param({"target_url": "ftp://secret.example/"}, {"target_url"}, id="no http"),
        pytest.param({"target_url": "http://secret:port/"}, {"target_url"}, id="no port"),
        pytest.param({"target_url": "http://secret:99999/"}, {"target_url"}, id="beyond the ports"),
        pytest.param({"target_url": "http://r/", "seed": -1, "messages": "many"}, {"seed", "messages"}, id="two"),
        pytest.param({"target_url": "http://r/", "methods": []}, {"methods"}, id="no method"),
        pytest.param({"target_url": "http://r/", "methods": ["PUT"]}, {"methods.0"}, id="no method of the vendor's"),
        pytest.param({"target_url": "http://r/", "now": "2026-01-01T00:00:00"}, {"now"}, id="naive time"),
        pytest.param({"target_url": "http://r/", "duplicate": 0.5}, {"duplicate"}, id="misspelt"),
        pytest.param([], {"body"}, id="no object"),
    ],
)
def test_a_wrong_order_is_refused_field_by_field(client, order, wrong):
    """422 names what is wrong, repeats no secret, and tells nothing."""
    answer = client.post("/stories", json=order)

    assert answer.status_code == 422
    assert set(answer.json()["wrong"]) == wrong
    assert "secret" not in answer.text
    assert client.get("/stories").json() == {"stories": []}


def test_an_order_that_is_no_json_is_refused(client):
    """As clearly as a wrong field."""
    answer = client.post("/stories", content=b"{seed: 7")

    assert (answer.status_code, answer.json()["wrong"]) == (422, {"body": "not JSON"})


def test_the_end_does_not_wait_for_the_story(receiver):
    """The emulator ends at once, though retries would go on for days."""
    receiver.answer = lambda heard: 503
    settings = EmulatorSettings(emulator_target_url=receiver.url, emulator_compression=1, **PLAIN)
    with TestClient(create_app(settings)) as client:
        wait_until(lambda: client.get("/stories/1").json()["retries"])
        assert client.get("/stories/1").json()["state"] == "telling"

    wait_until(lambda: receiver.under_way == 0)


def test_it_says_what_it_is(client):
    """For people who open the port in a browser, and for monitors."""
    assert "seven.io" in client.get("/").text
    assert client.get("/livez").status_code == 200
    assert client.get("/stories/9").status_code == 404
    assert client.get("/stories/9/ids").status_code == 404
    assert client.get("/stories/x").status_code == 404


def test_stories_are_told_side_by_side(client, receiver: Receiver):
    """Several stories can be told at once, each under its number."""
    for seed in range(3):
        client.post("/stories", json={"seed": seed, "messages": 4, "target_url": receiver.url})

    progress = [told(client, number) for number in (1, 2, 3)]
    assert [one["seed"] for one in progress] == [0, 1, 2]
    assert sum(one["delivered"] for one in progress) == len(receiver.heard)

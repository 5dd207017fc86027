"""Scenario controls: the emulator's own endpoints, and the first scenario."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from emulator.app import create_app
from emulator.hook_faults import HookFault
from emulator.hooks import Registration
from emulator.journal.faults import JournalFault
from emulator.scenario_request import ScenarioRequest
from emulator.seeds import NEW_SEEDS
from emulator.settings import EmulatorSettings
from seven.events import EVENT_TYPES
from tests.emulator.stub_receiver import Receiver, wait_until
from tests.servers import eventually

PLAIN = {"emulator_story_duplicates": 0.0}


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(EmulatorSettings(**PLAIN))) as client:
        yield client


def final_report(client: TestClient, number: int) -> dict:
    """A scenario's report, once it has ended."""
    eventually(lambda: client.get(f"/scenarios/{number}").json()["state"] != "running")
    progress: dict = client.get(f"/scenarios/{number}").json()
    return progress


def test_a_scenario_runs_on_demand(client, receiver):
    """The number is answered at once; the report counts the deliveries, and lists the receiver's ids."""
    receiver.answer = lambda request: {0: 202, 1: 404}.get(len(receiver.requests) % 10, 202)
    answer = client.post("/scenarios", json={"seed": 7, "messages": 20, "target_url": receiver.url, "duplicates": 0.5})
    assert (answer.status_code, answer.json()) == (202, {"scenario": 1})

    progress = final_report(client, 1)
    ids = client.get("/scenarios/1/ids").json()
    assert progress["state"] == "finished"
    assert progress["seed"] == 7
    assert set(progress["events"]) == set(EVENT_TYPES)
    assert sum(progress["events"].values()) == round(progress["deliveries"] / 1.5)
    assert progress["deliveries"] == progress["attempts"] == len(receiver.requests)
    assert progress["delivered"] + progress["refused"] == progress["deliveries"]
    assert progress["refusals"] == {"404": progress["refused"]}
    assert progress["outcomes"] == {"accepted": progress["delivered"]}
    assert ids["outcomes"] == {"accepted": ids["ids"]}
    assert len(set(ids["ids"])) == progress["delivered"]
    assert client.get("/scenarios").json() == {"scenarios": [progress]}


def test_a_first_scenario_runs_at_the_start(receiver):
    """With a target in its settings the emulator runs a scenario without a request."""
    settings = EmulatorSettings(emulator_target_url=receiver.url, emulator_story_messages=8, **PLAIN)
    with TestClient(create_app(settings)) as client:
        progress = final_report(client, 1)

    assert progress["delivered"] == progress["deliveries"] == len(receiver.requests) > 8


def test_reruns_on_one_day_are_identical(receiver):
    """A restarted emulator repeats every delivery of a seed exactly, so that a message has one history."""
    scenario_request = ScenarioRequest.of(EmulatorSettings(), {"target_url": receiver.url})
    assert scenario_request.now == datetime.combine(datetime.now(UTC), datetime.min.time(), UTC)

    settings = EmulatorSettings(
        emulator_target_url=receiver.url, emulator_story_messages=8, emulator_story_seed=5, **PLAIN
    )
    for _ in range(2):
        with TestClient(create_app(settings)) as client:
            final_report(client, 1)

    assert {request.nth for request in receiver.requests} == {1, 2}
    assert len({request.delivery for request in receiver.requests}) == len(receiver.requests) / 2


def test_each_scenario_has_a_new_seed_unless_it_is_requested(client, receiver):
    """A second scenario adds records instead of repeating the first."""
    for fields in ({}, {}, {"seed": 7}):
        client.post("/scenarios", json={"messages": 1, "target_url": receiver.url, **fields})
    first, second, third = (final_report(client, number)["seed"] for number in (1, 2, 3))

    assert len({first, second, third}) == 3
    assert third == 7
    assert first in NEW_SEEDS
    assert second in NEW_SEEDS


def test_a_request_overrides_the_settings(receiver):
    """Methods, layouts and all other options can be set for each scenario."""
    settings = EmulatorSettings(emulator_target_url="http://127.0.0.1:9/", emulator_story_messages=0)
    fields = {"target_url": receiver.url, "messages": 3, "methods": ["POST"], "layouts": ["bare"], "rate": 1000}
    with TestClient(create_app(settings)) as client:
        client.post("/scenarios", json={**fields, "now": "2026-01-01T00:00:00Z"})
        final_report(client, 2)

    assert {request.delivery.request_method for request in receiver.requests} == {"POST"}
    assert {request.path.rsplit("/", 1)[1] for request in receiver.requests} >= {"dlr", "voice_status"}
    assert b"2025-12-29" in b"".join(request.delivery.body for request in receiver.requests)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({"target_url": "ftp://secret.example/"}, {"target_url"}, id="not http"),
        pytest.param({"target_url": "http://secret:port/"}, {"target_url"}, id="invalid port"),
        pytest.param({"target_url": "http://secret:99999/"}, {"target_url"}, id="port out of range"),
        pytest.param({"target_url": "http://r/", "seed": -1, "messages": "many"}, {"seed", "messages"}, id="two"),
        pytest.param({"target_url": "http://r/", "methods": []}, {"methods"}, id="no method"),
        pytest.param({"target_url": "http://r/", "methods": ["PUT"]}, {"methods.0"}, id="unknown method"),
        pytest.param({"target_url": "http://r/", "now": "2026-01-01T00:00:00"}, {"now"}, id="naive time"),
        pytest.param({"target_url": "http://r/", "duplicate": 0.5}, {"duplicate"}, id="misspelt"),
        pytest.param([], {"body"}, id="not an object"),
    ],
)
def test_a_wrong_request_is_refused_by_field(client, fields, wrong):
    """422 names each wrong field, repeats no secret, and no scenario starts."""
    answer = client.post("/scenarios", json=fields)

    assert answer.status_code == 422
    assert set(answer.json()["wrong"]) == wrong
    assert "secret" not in answer.text
    assert client.get("/scenarios").json() == {"scenarios": []}


def test_a_request_that_is_not_json_is_refused(client):
    """422 names the body."""
    answer = client.post("/scenarios", content=b"{seed: 7")

    assert (answer.status_code, answer.json()["wrong"]) == (422, {"body": "not JSON"})


def test_shutdown_does_not_wait_for_a_scenario(receiver):
    """The emulator ends at once, even if retries would continue for days."""
    receiver.answer = lambda request: 503
    settings = EmulatorSettings(emulator_target_url=receiver.url, emulator_compression=1, **PLAIN)
    with TestClient(create_app(settings)) as client:
        wait_until(lambda: client.get("/scenarios/1").json()["retries"])
        assert client.get("/scenarios/1").json()["state"] == "running"

    wait_until(lambda: receiver.in_flight == 0)


def test_it_describes_itself(client):
    """The first page is for people with a browser, `/livez` for monitors."""
    page = client.get("/").text
    assert "seven.io" in page
    for model in (ScenarioRequest, Registration, HookFault, JournalFault):
        assert all(name in page for name in model.model_fields)
    assert max(map(len, page.splitlines())) <= 80
    assert client.get("/livez").status_code == 200
    assert client.get("/scenarios/9").status_code == 404
    assert client.get("/scenarios/9/ids").status_code == 404
    assert client.get("/scenarios/x").status_code == 404


@pytest.mark.parametrize("path", ["/stories", "/stories/1", "/stories/1/ids"])
def test_a_former_path_says_where_the_scenarios_are(client, path):
    """404 in either method, with the present path."""
    for answer in (client.get(path), client.post(path, json={})):
        assert answer.status_code == 404
        assert "/scenarios" in answer.text


def test_scenarios_run_concurrently(client, receiver: Receiver):
    """Each scenario has its own number and report."""
    for seed in range(3):
        client.post("/scenarios", json={"seed": seed, "messages": 4, "target_url": receiver.url})

    reports = [final_report(client, number) for number in (1, 2, 3)]
    assert [report["seed"] for report in reports] == [0, 1, 2]
    assert sum(report["delivered"] for report in reports) == len(receiver.requests)

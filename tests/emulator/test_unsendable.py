"""Hooks that no request can serve: refused where that shows at once, and otherwise no other hook suffers from them."""

import asyncio
import json

import pytest

from emulator.report import State
from emulator.sender import RetryPolicy, deliver
from emulator.wire import Request
from tests.emulator.emulator_process import Emulator, run_emulator
from tests.emulator.stub_receiver import Receiver

URL = "https://your-domain.com/webhook"
LONGEST_URL = 65_536
"""Characters of the longest URL that the emulator can open."""


@pytest.mark.parametrize("field", ["event_type", "event_filter", "headers"])
def test_half_a_character_is_refused(tmp_path, field):
    """By the API as each wrong field, by the control with 422; the state stays one that the next start reads."""
    content = json.dumps({"target_url": URL, "event_type": "all", field: "A: \ud800"}).encode()
    path = tmp_path / "hooks.json"
    with run_emulator(state_file=path) as emulator:
        assert emulator.subscribe(target_url=URL, headers="A: \N{GRINNING FACE}") == 1
        before = emulator.hooks()
        by_api = emulator.client.post(emulator.api, content=content)
        controls = (("POST", "/hooks"), ("PATCH", "/hooks/1"))
        by_control = [emulator.client.request(method, emulator.url + way, content=content) for method, way in controls]

        assert (by_api.status_code, by_api.json()["error_message"]) == (200, f"Invalid {field}")
        assert [(answer.status_code, [*answer.json()["wrong"]]) for answer in by_control] == [(422, [field])] * 2
        assert emulator.hooks() == before
    with run_emulator(state_file=path) as emulator:
        assert emulator.hooks() == before


def test_a_hook_whose_requests_cannot_be_made_holds_up_no_other(emulator: Emulator, receiver: Receiver):
    """Its URL is too long once a GET's fields are in it: each attempt counts as one that reached nobody."""
    longest = URL + "/" * (LONGEST_URL - len(URL))
    for target_url, method in ((longest, "GET"), (receiver.url, "JSON")):
        fields = {"target_url": target_url, "event_type": "dlr", "request_method": method}
        assert emulator.client.post(f"{emulator.url}/hooks", json=fields).status_code == 201
    report = emulator.final_report(emulator.run_scenario(compression=1e9))

    assert report["hooks"]["1"] == report["hooks"]["2"] == report["delivered"] == report["given_up"] > 0
    assert report["retries"] == {"connection": 13 * report["given_up"]}
    assert len(receiver.requests) == report["delivered"]


def test_a_header_that_cannot_be_written_holds_up_no_other(receiver):
    """It is given up, and the next request is sent."""
    broken = Request("POST", receiver.url, (("a", "\ud800"),), b"")
    whole = Request("POST", receiver.url, (), b"n=1")
    report = asyncio.run(deliver([broken, whole], RetryPolicy(waits_s=()), concurrency=1))

    assert report.states == {State.GIVEN_UP: 1, State.DELIVERED: 1}

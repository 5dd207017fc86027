"""Authentication of requests to the API by key."""

import httpx2
import pytest

from tests.emulator.emulator_process import KEY, run_emulator


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param({"headers": {"X-Api-Key": KEY}}, id="X-Api-Key"),
        pytest.param({"headers": {"Authorization": f"Basic {KEY}"}}, id="Basic, raw"),
        pytest.param({"headers": {"Authorization": f"basic {KEY}"}}, id="basic"),
        pytest.param({"headers": {"Authorization": f"Bearer {KEY}"}}, id="Bearer"),
        pytest.param({"params": {"p": KEY}}, id="p in the query"),
        pytest.param({"data": {"p": KEY, "action": "read"}}, id="p in a form"),
        pytest.param({"json": {"p": KEY, "action": "read"}}, id="p in JSON"),
    ],
)
def test_every_way_to_authenticate_works(authorization):
    """The account's key is accepted; another key is answered with the string "900", as HTTP 200."""
    method = "POST" if {"data", "json"} & set(authorization) else "GET"
    for key, expected in ((KEY, {"success": True, "code": None, "hooks": []}), ("another", "900")):
        with run_emulator(api_key=key) as emulator:
            answer = httpx2.request(method, emulator.api, trust_env=False, **authorization)
        assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("api_key", [None, KEY])
@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": ""}, {"Authorization": KEY}, {"Authorization": "Basic"}])
def test_a_request_without_a_key_is_refused(api_key, headers):
    """An emulator without a key of its own accepts any key, but requires one."""
    with run_emulator(api_key=api_key) as emulator:
        answer = httpx2.post(
            emulator.api,
            data={"target_url": "https://your-domain.com/webhook", "event_type": "all"},
            headers=headers,
            trust_env=False,
        )
        assert (answer.status_code, answer.content) == (200, b'"900"')
        assert emulator.hooks() == []

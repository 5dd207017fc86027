"""Admitting: who is let in to the API."""

import httpx2
import pytest

from tests.emulator.emulator_process import KEY, emulating


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
def test_there_are_four_ways_to_authenticate(authorization):
    """With the account's key each is let in; with another the answer is the string "900", as HTTP 200."""
    method = "POST" if {"data", "json"} & set(authorization) else "GET"
    for key, answered in ((KEY, {"success": True, "code": None, "hooks": []}), ("another", "900")):
        with emulating(api_key=key) as one:
            answer = httpx2.request(method, one.api, trust_env=False, **authorization)
        assert (answer.status_code, answer.json()) == (200, answered)


@pytest.mark.parametrize("api_key", [None, KEY])
@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": ""}, {"Authorization": KEY}, {"Authorization": "Basic"}])
def test_without_a_key_nobody_is_let_in(api_key, headers):
    """An emulator without a key of its own takes any, but one there must be."""
    with emulating(api_key=api_key) as one:
        answer = httpx2.post(
            one.api,
            data={"target_url": "https://your-domain.com/webhook", "event_type": "all"},
            headers=headers,
            trust_env=False,
        )
        assert (answer.status_code, answer.content) == (200, b'"900"')
        assert one.hooks() == []

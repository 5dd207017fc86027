"""What a receiver counts: each request once, under one of few words."""

import re
from collections.abc import Callable

import httpx2
import pytest
from starlette.testclient import TestClient

from ingest.metrics import CAUSES
from tests.conftest import TOKEN
from tests.servers import free_port

HOOK = f"/hooks/{TOKEN}"
GOOD = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}
Start = Callable[..., tuple[TestClient, Callable[[], dict[str, float]]]]


@pytest.fixture
def start(receiver: Callable[..., TestClient]) -> Start:
    """Start a receiver; it, and what its metrics say."""

    def start(**settings: object) -> tuple[TestClient, Callable[[], dict[str, float]]]:
        address = f"127.0.0.1:{free_port()}"

        def told() -> dict[str, float]:
            text = httpx2.get(f"http://{address}/metrics").text
            return {name: float(value) for name, value in re.findall(r"^(seven_\S+) (\S+)$", text, re.MULTILINE)}

        return receiver(seven_metrics_address=address, **settings), told

    return start


def refused(told: dict[str, float]) -> dict[str, float]:
    """The causes that were counted."""
    named = re.compile(r'seven_deliveries_refused_total\{cause="(\w+)"\}')
    return {found[1]: count for name, count in told.items() if (found := named.fullmatch(name)) and count}


def test_what_is_accepted_and_parked_is_told_by_event_type(start: Start):
    """And its answer's time; a word that a stranger coined is `unknown`."""
    client, told = start()
    for body in (GOOD, GOOD, {"webhook_event": "dlr", "data": {}}, {"webhook_event": "coined", "data": {}}):
        client.post(HOOK, json=body)
    found = told()

    assert found['seven_deliveries_accepted_total{event_type="dlr"}'] == 2
    assert found['seven_deliveries_accepted_total{event_type="sms_mo"}'] == 0
    assert found['seven_deliveries_parked_total{event_type="dlr"}'] == 1
    assert found['seven_deliveries_parked_total{event_type="unknown"}'] == 1
    assert found["seven_ack_seconds_count"] == 4
    assert found["seven_accepted_batch_deliveries_sum"] == 4
    assert found["seven_receiver_ready"] == 1
    assert 0 < found["seven_ledger_used_bytes"] < found["seven_ledger_limit_bytes"]
    assert "coined" not in str(found)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "cause"),
    [
        pytest.param("POST", "/hooks/wrong", b"{}", 404, "stranger", id="a stranger"),
        pytest.param("PUT", HOOK, b"{}", 405, "method", id="a method"),
        pytest.param("POST", HOOK, b"x" * 500, 413, "too_large", id="too large"),
        pytest.param("POST", HOOK, b"\xff", 422, "undecodable", id="undecodable"),
    ],
)
def test_a_refusal_is_told_by_its_cause(start: Start, method: str, path: str, body: bytes, status: int, cause: str):
    """Once, and under no other."""
    client, told = start(seven_body_limit=400)
    assert client.request(method, path, content=body).status_code == status
    assert refused(told()) == {cause: 1}


def test_people_who_look_are_not_refused(start: Start):
    """A hook's URL opened in a browser counts as nothing."""
    client, told = start()
    assert client.get(HOOK).status_code == client.head(HOOK).status_code == 200
    assert refused(told()) == {}


def test_too_much_parked_is_a_cause(start: Start):
    """Beyond the hour's share."""
    client, told = start(seven_parked_limit=1)
    assert client.post(HOOK, content=b"\xff").status_code == 429
    assert refused(told()) == {"too_much_parked": 1}


def test_a_ledger_that_is_away_is_a_cause(start: Start):
    """By this word, for those that waited behind the first as well; and the receiver is not ready."""
    client, told = start(redis_url=f"redis://127.0.0.1:{free_port()}/0", seven_accept_deadline_s=0.5)
    assert [client.post(HOOK, json=GOOD).status_code for _ in range(2)] == [503, 503]
    found = told()
    assert refused(found) == {"ledger_away": 2}
    assert found["seven_receiver_ready"] == 0
    assert "seven_ledger_used_bytes" not in found


def test_no_room_in_the_ledger_is_a_cause(start: Start):
    """Whether it is the ledger's or what may wait for it."""
    client, told = start(seven_waiting_limit=1)
    assert client.post(HOOK, json=GOOD).status_code == 503
    assert refused(told()) == {"ledger_full": 1}


def test_causes_are_few_and_all_there_from_the_start(start: Start):
    """A first refusal is an increase."""
    _, told = start()
    assert len([name for name in told() if name.startswith("seven_deliveries_refused_total")]) == len(CAUSES)

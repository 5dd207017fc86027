"""Metrics: a receiver counts each request once, under one of a few causes."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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
    """Start a receiver; returns its client and a function that reads its metrics."""

    def start(**settings: object) -> tuple[TestClient, Callable[[], dict[str, float]]]:
        address = f"127.0.0.1:{free_port()}"

        def read() -> dict[str, float]:
            text = httpx2.get(f"http://{address}/metrics").text
            return {name: float(value) for name, value in re.findall(r"^(seven_\S+) (\S+)$", text, re.MULTILINE)}

        return receiver(seven_metrics_address=address, **settings), read

    return start


def refused(metrics: dict[str, float]) -> dict[str, float]:
    """The causes with a count above 0."""
    pattern = re.compile(r'seven_deliveries_refused_total\{cause="(\w+)"\}')
    return {match[1]: count for name, count in metrics.items() if (match := pattern.fullmatch(name)) and count}


def test_accepted_and_parked_deliveries_are_counted_by_event_type(start: Start):
    """So are the times of their answers; an unknown event type counts as `unknown`."""
    client, read_metrics = start()
    for body in (GOOD, GOOD, {"webhook_event": "dlr", "data": {}}, {"webhook_event": "coined", "data": {}}):
        client.post(HOOK, json=body)
    metrics = read_metrics()

    assert metrics['seven_deliveries_accepted_total{event_type="dlr"}'] == 2
    assert metrics['seven_deliveries_accepted_total{event_type="sms_mo"}'] == 0
    assert metrics['seven_deliveries_parked_total{event_type="dlr"}'] == 1
    assert metrics['seven_deliveries_parked_total{event_type="unknown"}'] == 1
    assert metrics["seven_ack_seconds_count"] == 4
    assert metrics["seven_accepted_batch_deliveries_sum"] == 4
    assert metrics["seven_receiver_ready"] == 1
    assert 0 < metrics["seven_ledger_used_bytes"] < metrics["seven_ledger_limit_bytes"]
    assert "coined" not in str(metrics)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "cause"),
    [
        pytest.param("POST", "/hooks/wrong", b"{}", 404, "stranger", id="an unknown token"),
        pytest.param("PUT", HOOK, b"{}", 405, "method", id="a method"),
        pytest.param("POST", HOOK, b"x" * 500, 413, "too_large", id="too large"),
        pytest.param("POST", HOOK, b"\xff", 422, "undecodable", id="undecodable"),
    ],
)
def test_a_refusal_is_counted_by_its_cause(start: Start, method: str, path: str, body: bytes, status: int, cause: str):
    """A refusal counts once, and under no other cause."""
    client, read_metrics = start(seven_body_limit=400)
    assert client.request(method, path, content=body).status_code == status
    assert refused(read_metrics()) == {cause: 1}


def test_browsers_are_not_refused(start: Start):
    """A hook's URL opened in a browser counts as nothing."""
    client, read_metrics = start()
    assert client.get(HOOK).status_code == client.head(HOOK).status_code == 200
    assert refused(read_metrics()) == {}


def test_too_much_parked_is_a_cause(start: Start):
    """A delivery beyond the hourly quota counts as `too_much_parked`."""
    client, read_metrics = start(seven_parked_limit=1)
    assert client.post(HOOK, content=b"\xff").status_code == 429
    assert refused(read_metrics()) == {"too_much_parked": 1}


def test_an_unreachable_ledger_is_a_cause(start: Start):
    """Deliveries that waited behind the first count as `ledger_away`, too, and the receiver is not ready."""
    away = f"redis://127.0.0.1:{free_port()}/0"
    client, read_metrics = start(redis_url=away, seven_accept_deadline_s=0.5, seven_batch_size=1)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.post(HOOK, json=GOOD).status_code, range(4)))
    assert answers == [503] * 4
    metrics = read_metrics()
    assert refused(metrics) == {"ledger_away": 4}
    assert metrics["seven_receiver_ready"] == 0
    assert "seven_ledger_used_bytes" not in metrics


def test_no_room_in_the_ledger_is_a_cause(start: Start):
    """A limit of the ledger or of waiting deliveries counts as `ledger_full`."""
    client, read_metrics = start(seven_waiting_limit=1)
    assert client.post(HOOK, json=GOOD).status_code == 503
    assert refused(read_metrics()) == {"ledger_full": 1}


def test_every_cause_exists_from_the_start(start: Start):
    """So the first refusal is an increase."""
    _, read_metrics = start()
    assert len([name for name in read_metrics() if name.startswith("seven_deliveries_refused_total")]) == len(CAUSES)

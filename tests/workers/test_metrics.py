"""What a worker tells on its metrics address: figures, that it lives, and whether it could consume."""

from functools import partial

import httpx2
import pytest

from ledger.settling import Ledger
from tests.servers import free_port
from workers.holding import Breaker
from workers.metrics import StoreMetrics, ledger_hindrance, store_hindrance, tell_metrics


@pytest.fixture
def breaker() -> Breaker:
    return Breaker()


def told(breaker: Breaker, redis_url: str) -> str:
    """Have metrics told; returns where."""
    port = free_port()
    redis = Ledger(redis_url).redis
    tell_metrics(
        f"127.0.0.1:{port}",
        [StoreMetrics(breaker)],
        [partial(store_hindrance, breaker), partial(ledger_hindrance, redis)],
    )
    return f"http://127.0.0.1:{port}"


def test_ready_until_something_hinders(breaker: Breaker, redis_url: str):
    """Ready while database and ledger are there; held batches and their cause are told, and that it lives."""
    url = told(breaker, redis_url)
    assert httpx2.get(f"{url}/readyz").json() == {"ready": True, "hindrances": []}
    assert httpx2.get(f"{url}/metrics").text.splitlines()[2:] == ["seven_store_held 0.0"]
    breaker.failed("OperationalError 57P03")
    assert breaker.hold
    answer = httpx2.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["hindrances"] == [
        f"the database does not take anything (OperationalError 57P03), held since {breaker.hold.since:%FT%TZ}"
    ]
    figures = httpx2.get(f"{url}/metrics").text
    assert "seven_store_held 1.0" in figures
    since = float(figures.rsplit("seven_store_held_since_timestamp_seconds ", 1)[1])
    assert since == pytest.approx(breaker.hold.since.timestamp())
    assert httpx2.get(f"{url}/livez").text == "alive\n"
    breaker.succeeded()
    assert httpx2.get(f"{url}/readyz").status_code == 200


def test_a_ledger_that_is_away_hinders(breaker: Breaker):
    """A worker without its ledger is not ready, and lives."""
    url = told(breaker, f"redis://127.0.0.1:{free_port()}/0")
    assert httpx2.get(f"{url}/readyz").json()["hindrances"] == ["the ledger does not answer (ConnectionError)"]
    assert httpx2.get(f"{url}/livez").status_code == 200


def test_nothing_else_is_there(breaker: Breaker, redis_url: str):
    """Other paths are not found; an address that is taken is no reason to fail, nor is none."""
    url = told(breaker, redis_url)
    assert httpx2.get(f"{url}/elsewhere").status_code == 404
    tell_metrics(url.removeprefix("http://"), [], [])
    tell_metrics("", [], [])

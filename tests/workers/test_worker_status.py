"""Worker status: when a worker is not ready, and why."""

from ledger.client import Ledger
from store.circuit_breaker import CircuitBreaker
from tests.servers import free_port
from workers.worker_status import unready_reasons


def test_a_worker_that_holds_is_not_ready(redis_url: str):
    """The reason is that of the hold."""
    breaker, redis = CircuitBreaker(0.0), Ledger(redis_url).redis
    assert unready_reasons(redis, breaker, tuple) == []
    breaker.failed("OperationalError 57P03")
    assert unready_reasons(redis, breaker, tuple) == [str(breaker.hold)]


def test_a_ledger_that_is_down_is_not_ready():
    """The reason says why it does not answer."""
    redis = Ledger(f"redis://127.0.0.1:{free_port()}/0").redis
    refused = "ConnectionError ECONNREFUSED: nothing listens there"
    assert unready_reasons(redis, CircuitBreaker(), tuple) == [f"the ledger does not answer ({refused})"]

"""A receiver for each test: the real application over a real, empty ledger."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient

from ingest.application import create_app
from ingest.settings import IngestSettings
from ledger.batch import Batch
from ledger.client import Ledger
from seven.envelope import Envelope
from seven.events import QUEUES
from tests.conftest import TOKEN


@pytest.fixture
def receiver(redis_url: str) -> Iterator[Callable[..., TestClient]]:
    """Start a receiver; settings by name."""
    with ExitStack() as stack:

        def start(*, address: str = "testclient", **settings: Any) -> TestClient:
            told = IngestSettings(
                **{"redis_url": redis_url, "seven_hook_token": TOKEN, "seven_metrics_address": "off"} | settings
            )
            client = TestClient(create_app(told), follow_redirects=False, client=(address, 1))
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(receiver: Callable[..., TestClient]) -> TestClient:
    return receiver()


def accepted(ledger: Ledger) -> dict[str, Envelope]:
    """Every envelope in the ledger, by id."""
    found = {}
    for queue in QUEUES:
        for batch in ledger.fetch([one.decode() for one in ledger.redis.zrange(f"seven:pending:{queue}", 0, -1)]):
            assert isinstance(batch, Batch)
            assert batch.header.queue == queue
            for line in batch.lines:
                envelope = Envelope.parse(line)
                found[envelope.id] = envelope
    return found

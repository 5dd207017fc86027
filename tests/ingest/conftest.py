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


@pytest.fixture(autouse=True)
def usual_garbage_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a receiver sets for its process would hold for all other tests of this one."""
    monkeypatch.setattr("ingest.application.collect_rarely", lambda: None)


@pytest.fixture
def receiver(redis_url: str) -> Iterator[Callable[..., TestClient]]:
    """Start a receiver; settings by name."""
    with ExitStack() as stack:

        def start(*, address: str = "testclient", **settings: Any) -> TestClient:
            complete = IngestSettings(
                **{"redis_url": redis_url, "seven_hook_token": TOKEN, "seven_metrics_address": "off"} | settings
            )
            client = TestClient(create_app(complete), follow_redirects=False, client=(address, 1))
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(receiver: Callable[..., TestClient]) -> TestClient:
    return receiver()


def accepted(ledger: Ledger) -> dict[str, Envelope]:
    """Every envelope in the ledger, by id."""
    envelopes = {}
    for queue in QUEUES:
        batch_ids = [batch_id.decode() for batch_id in ledger.redis.zrange(f"seven:pending:{queue}", 0, -1)]
        for batch in ledger.fetch(batch_ids):
            assert isinstance(batch, Batch)
            assert batch.header.queue == queue
            for line in batch.lines:
                envelope = Envelope.parse(line)
                envelopes[envelope.id] = envelope
    return envelopes

"""One receiver for the tests of a file; it must survive each."""

from collections.abc import Iterator

import pytest

from ledger.client import Ledger
from tests.acceptance.edge.raw_http import PATIENCE_S, TOKEN
from tests.processes import Receiver, running
from tests.servers import Valkey, valkey


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("edge-valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def receiver(broker: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """One receiver for all tests: it must survive each."""
    environment = {
        "REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_PATIENCE_S": str(PATIENCE_S), "SEVEN_STRANGER_CONNECTIONS": "8",
    }  # fmt: skip
    receiver = Receiver(tmp_path_factory.mktemp("edge"), environment)
    with running(receiver):
        yield receiver
        assert receiver.process
        assert receiver.process.poll() is None
        written = receiver.log.read_text()
        assert "Traceback" not in written
        assert "exception" not in written.lower()


@pytest.fixture
def ledger(broker: Valkey, receiver: Receiver) -> Iterator[Ledger]:
    with broker.client() as client:
        client.delete(*client.keys("seven:pending:*"), "seven:batches")
    ledger = Ledger(broker.url)
    yield ledger
    ledger.close()

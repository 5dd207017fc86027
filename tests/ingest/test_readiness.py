"""Readiness: what a receiver does once the broker is as full as it may be."""

import pytest
from starlette.testclient import TestClient

from ingest.application import create_app
from ingest.readiness import MOST_ANNOUNCEMENTS
from ingest.settings import IngestSettings
from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.ingest.signed_requests import BODY, PATH
from tests.servers import eventually


@pytest.mark.parametrize("waiting", [MOST_ANNOUNCEMENTS - 1, MOST_ANNOUNCEMENTS])
def test_no_more_is_announced_than_workers_take(redis_url: str, ledger: Ledger, waiting: int):
    """Where none takes any, announcements fill the ledger's memory up to a limit; batches are accepted all the same."""
    ledger.redis.lpush("dlr", *range(waiting))
    settings = IngestSettings(redis_url=redis_url, seven_hook_token=TOKEN, seven_metrics_address="off")
    with TestClient(create_app(settings)) as client:  # ends after it has announced
        eventually(lambda: client.get("/readyz").status_code == 200)
        assert client.post(PATH, content=BODY).status_code == 202
    assert ledger.redis.llen("dlr") == MOST_ANNOUNCEMENTS
    assert ledger.redis.zcard("seven:pending:dlr") == 1

"""A queue that the worker's user of Redis may not consume, as after an upgrade with the rights of before."""

from pathlib import Path

import httpx2
import pytest
import redis
from celery import Celery

from ledger.announcements import CLOCK, REACTIONS, announce, broker
from ledger.health import refused_queues
from seven.events import QUEUES
from tests.acceptance.redis_users import allow
from tests.processes import running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port

REFUSED = "rcs"


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


def test_a_queue_without_a_right_is_named_and_stops_no_other(tmp_path: Path, server: Valkey, database_url: str):
    """The worker is not ready, logs it once, consumes its other queues, and this one, too, once it has the right."""
    port = free_port()
    environment = {
        "REDIS_URL": allow(server, "worker", f"~{REFUSED}* "),
        "DATABASE_URL": database_url,
        "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}",
    }
    consumer = worker(tmp_path, environment)

    def readiness() -> tuple[int, str]:
        try:
            answer = httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S)
        except httpx2.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    with running(consumer), server.client() as client, Celery(set_as_current=False, changes=broker(server.url)) as app:
        announce(app, "dlr", ["gone"])
        announce(app, REFUSED, ["gone"])
        eventually(lambda: client.llen("dlr") == 0)
        consumer.wait_until_logged("queues are not consumed")
        status, text = readiness()
        assert (status, f"needs +brpop for ~{REFUSED}*" in text) == (503, True)
        assert client.llen(REFUSED) == 1

        allow(server, "worker")
        eventually(lambda: client.llen(REFUSED) == 0)
        eventually(lambda: readiness()[0] == 200)
        log = consumer.log.read_text()
    assert log.count("queues are not consumed") == 1
    assert "Connection to broker lost" not in log


@pytest.mark.parametrize("refused", [(), (REFUSED,), ("dlr", REFUSED)])
def test_refused_queues_are_found_without_taking_anything(server: Valkey, refused: tuple[str, ...]):
    """What waits on a queue, waits afterwards."""
    queues = (*QUEUES, CLOCK, REACTIONS)
    allowed = [f"~{queue}*" for queue in queues if queue not in refused]
    with server.client() as client:
        for queue in queues:
            client.lpush(queue, "waits")
        client.execute_command("ACL", "SETUSER", "few", "on", "nopass", "+@all", *allowed)
        with redis.Redis(port=server.port, username="few", password="any") as few:
            assert set(refused_queues(few, queues)) == set(refused)
            assert refused_queues(few, ()) == ()
        assert {client.llen(queue) for queue in queues} == {1}

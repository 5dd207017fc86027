"""Kills of the primary under traffic, right after its replicas have lost their connection: the worst moment there is."""

import json
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from seven.events import QUEUES
from tests.acceptance.failover import TOKEN, Gateway, is_ready, rows
from tests.acceptance.test_sentinel import CLIENTS
from tests.extent import size, sized, thorough
from tests.processes import Process, Receiver, beat, running, worker
from tests.sentinels import Cluster, sentinels
from tests.servers import eventually, free_port

KILLS = size(2, 20)
BEHIND_S = 0.3
"""How long no replica is connected before the primary dies; they come back within a second."""


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


def kill(cluster: Cluster, gateway: Gateway, consumer: Process) -> float:
    """Kill the primary while deliveries wait for a worker; return the seconds until the next one is accepted."""
    accepted = len(gateway.accepted)
    eventually(lambda: len(gateway.accepted) > accepted + 50)
    consumer.send(signal.SIGSTOP)  # what it has consumed is in the database, and safe
    with eventually(cluster.primary).client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "REPLICA")
    until = time.monotonic() + BEHIND_S
    eventually(lambda: time.monotonic() > until)
    died_at = time.monotonic()
    cluster.kill_primary()
    accepted = len(gateway.accepted)
    eventually(lambda: len(gateway.accepted) > accepted)
    away_s = time.monotonic() - died_at
    consumer.send(signal.SIGCONT)
    cluster.restart()
    return away_s


@pytest.mark.duration(40)
@sized
@pytest.mark.parametrize("replicas", [1, pytest.param(0, marks=thorough)])
def test_what_a_replica_confirms_outlives_the_primary(tmp_path: Path, engine: Engine, database_url: str, replicas: int):
    """Nothing accepted is lost with a confirmation. Without one the same kills lose deliveries, so they prove something."""
    ports = [free_port() for _ in range(3)]
    with sentinels(tmp_path / "cluster") as cluster, closing(Ledger(cluster.url)) as ledger:
        settings = {"REDIS_URL": cluster.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN}
        settings |= {"SEVEN_REPLICAS_CONFIRM": str(replicas), "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10"}
        status = [{"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"} for port in ports]
        receiver = Receiver(tmp_path, settings | status[0])
        others = [worker(tmp_path, settings | status[1]), beat(tmp_path, settings | status[2])]
        gateway = Gateway(receiver.url, CLIENTS)
        with running(receiver, *others):
            with gateway.delivering():
                away_s = [kill(cluster, gateway, others[0]) for _ in range(KILLS)]
            eventually(lambda: not any(each.pending for each in ledger.figures(QUEUES).queues.values()))
            lost = set(gateway.accepted) - rows(engine)
            figures = {"kills": KILLS, "accepted": len(gateway.accepted), "refused": gateway.refused, "lost": len(lost)}
            (tmp_path / "figures.json").write_text(json.dumps({**figures, "away_s": sorted(away_s)}))
            assert bool(lost) == (replicas == 0), figures
            eventually(lambda: all(map(is_ready, ports)))
            for process in (receiver, *others):
                assert process.process
                assert process.process.poll() is None

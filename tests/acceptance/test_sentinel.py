"""Servers behind Sentinel: the primary is killed under traffic, and every process goes on without a restart."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.announcements import REACTIONS
from seven.events import QUEUES
from tests.acceptance.failover import TOKEN, Gateway, is_ready, rows
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.processes import Flower, Receiver, beat, dispatcher, running, worker
from tests.sentinels import sentinels
from tests.servers import eventually, free_port

CLIENTS = 4


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


@pytest.mark.duration(20)
def test_every_process_follows_a_failover(tmp_path: Path, engine: Engine, database_url: str):
    """Receiver, worker, beat, dispatcher and Flower find the new primary without a restart, as does each command."""
    shop, ports = Subscriber("shop"), [free_port() for _ in range(4)]
    with sentinels(tmp_path / "cluster") as cluster, serving(shop):
        settings = {"REDIS_URL": cluster.url, "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN}
        settings |= {"SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10"}
        status = [{"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"} for port in ports]
        reactions = {"SEVEN_REACTIONS_FILE": str(write_file(tmp_path, shop))}
        receiver = Receiver(tmp_path, settings | status[0])
        others = [
            worker(tmp_path, settings | reactions | status[1]),
            beat(tmp_path, settings | status[2]),
            dispatcher(tmp_path, settings | reactions | status[3]),
        ]
        flower = Flower(tmp_path, settings)
        gateway, commands = Gateway(receiver.url, CLIENTS), CommandLine(tmp_path, **settings)
        with running(receiver, *others, flower):
            begin(engine)
            with gateway.delivering():
                eventually(lambda: len(rows(engine)) > 50 and shop.received)
                new = cluster.kill_primary()
                before, reacted = len(gateway.accepted), len(shop.received)
                eventually(lambda: len(gateway.accepted) > before + 50 and len(shop.received) > reacted)
            eventually(lambda: set(gateway.accepted[before:]) <= rows(engine))
            eventually(lambda: all(map(is_ready, ports)))
            for process in (receiver, *others, flower):
                assert process.process
                assert process.process.poll() is None
            with new.client() as client:
                polls = client.info("commandstats")["cmdstat_brpop"]["calls"]
                eventually(lambda: client.info("commandstats")["cmdstat_brpop"]["calls"] > polls)
            eventually(lambda: any(queue in flower.get("/broker").text for queue in (*QUEUES, REACTIONS)))
            eventually(lambda: flower.get("/worker/worker@test").status_code == 200)  # once it has asked the worker
            answer = commands.run("audit", "--json")
            assert answer.returncode in (0, 1), answer.stderr

"""A planned failover behind one address: the old primary becomes a replica and keeps its connections."""

from pathlib import Path

import httpx2
import pytest
from redis import Redis
from sqlalchemy import Engine

from ledger.health import unusable_reasons
from tests.acceptance.failover import TOKEN, Gateway, is_ready, rows
from tests.chaos.links import Links
from tests.extent import size, sized, thorough
from tests.processes import Receiver, beat, running, worker
from tests.servers import eventually, free_port, valkey

DELIVERY = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}

PAUSE_S = size(50, 5) / 1000
"""Between two deliveries."""


@pytest.mark.duration(12)
@sized
@pytest.mark.parametrize(
    ("dialect", "way"),
    [
        ("postgresql", "FAILOVER"),
        ("sqlite", "REPLICAOF"),
        pytest.param("sqlite", "FAILOVER", marks=thorough),
        pytest.param("postgresql", "REPLICAOF", marks=thorough),
    ],
)
def test_a_failover_loses_nothing(tmp_path: Path, engine: Engine, database_url: str, way: str):
    """Receiver, worker and beat find the new primary without a restart, and every accepted delivery becomes a row."""
    links = Links()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with valkey(tmp_path / "a") as first, valkey(tmp_path / "b", "--replicaof", f"127.0.0.1 {first.port}") as second:
        link = links.add("redis", first.port)
        environment = {
            "REDIS_URL": f"redis://127.0.0.1:{link.port}/0", "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10",
        }  # fmt: skip
        ports = [free_port() for _ in range(3)]
        receiver = Receiver(tmp_path, environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[0]}"})
        consumer = worker(tmp_path, environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[1]}"})
        clock = beat(tmp_path, environment | {"SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[2]}"})
        gateway = Gateway(receiver.url, pause_s=PAUSE_S)
        with running(receiver, consumer, clock), first.client() as old, second.client() as new:
            eventually(lambda: all(map(is_ready, ports)))
            with gateway.delivering():
                eventually(lambda: len(gateway.accepted) > 50 and len(rows(engine)) > 20)
                eventually(lambda: new.info("replication")["master_link_status"] == "up")
                fail_over(way, old, new, second.port)
                link.target = second.port  # for new connections; existing ones stay
                before = len(gateway.accepted)
                eventually(lambda: len(gateway.accepted) > before + 50)
            eventually(lambda: set(gateway.accepted) <= rows(engine))
            eventually(lambda: all(map(is_ready, ports)))
            for process in (receiver, consumer, clock):
                assert process.process
                assert process.process.poll() is None
            taken = new.info("commandstats")["cmdstat_brpop"]["calls"]
            eventually(lambda: new.info("commandstats")["cmdstat_brpop"]["calls"] > taken)  # the worker still polls


def fail_over(way: str, old: Redis, new: Redis, new_port: int) -> None:
    """Promote the replica once it has all the data of the old primary."""
    if way == "FAILOVER":
        old.execute_command("FAILOVER", "TO", "127.0.0.1", str(new_port), "TIMEOUT", "30000")
    else:
        old.execute_command("CLIENT", "PAUSE", "3000", "WRITE")  # so that every write is replicated
        at = old.info("replication")["master_repl_offset"]
        eventually(lambda: new.info("replication")["slave_repl_offset"] >= at)
        new.execute_command("REPLICAOF", "NO", "ONE")
        old.execute_command("REPLICAOF", "127.0.0.1", str(new_port))
        old.execute_command("CLIENT", "UNPAUSE")
    eventually(lambda: new.info("replication")["role"] == "master" and old.info("replication")["role"] == "slave")


def test_a_writable_replica_is_refused_as_ledger(tmp_path: Path):
    """A writable replica loses writes at its next synchronisation: the receiver answers 503 until it is the primary."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with valkey(tmp_path / "a") as primary, valkey(tmp_path / "b") as replica, replica.client() as client:
        client.config_set("replica-read-only", "no")
        client.replicaof("127.0.0.1", str(primary.port))
        environment = {"REDIS_URL": replica.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
        receiver = Receiver(tmp_path, environment)
        with running(receiver):
            hook = f"{receiver.url}/hooks/{TOKEN}"
            eventually(lambda: "it is a replica" in httpx2.get(f"{receiver.url}/readyz").text)
            assert httpx2.post(hook, json=DELIVERY).status_code == 503
            assert unusable_reasons(client) == ["the ledger is a replica"]
            client.replicaof("NO", "ONE")
            eventually(lambda: httpx2.post(hook, json=DELIVERY).status_code == 202)
            assert unusable_reasons(client) == []

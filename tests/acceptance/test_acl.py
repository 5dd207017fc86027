"""Redis users with the rights of deploy/redis/users.acl, and with fewer: a missing right is named, all else works."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx2
import pytest
from celery import Celery
from sqlalchemy import Engine, select

from ledger.announcements import CLOCK, announce, broker
from ledger.batch import NewBatch
from ledger.client import Ledger
from ledger.replicas import TooFewReplicas
from seven.events import QUEUES
from store.schema import deliveries
from tests.acceptance.redis_users import USERS, allow, denied
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import KEY, run_emulator
from tests.processes import Console, Flower, Receiver, beat, dispatcher, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port

TOKEN = "a-token-for-the-rights-0123456789"


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def deliver(receiver: Receiver, msg_id: str = "7") -> str:
    body = {"webhook_event": "dlr", "data": {"msg_id": msg_id, "status": "DELIVERED"}}
    answer = httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=body, timeout=PATIENCE_S)
    assert answer.status_code == 202
    return str(answer.json()["id"])


def readiness(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S).text
    except httpx2.TransportError:
        return ""


def prepare_rare_cases(server: Valkey) -> None:
    """Leave behind what processes find after a crash: locks without an end, what nobody acknowledged, dead entries."""
    far_ahead_ms = 10**9
    message = {"body": "", "headers": {}, "properties": {"delivery_info": {}, "delivery_tag": "tag"}}
    with server.client() as client:
        for lock in ("audit", "retention", "delivery_rate", "opt_outs", "journal", "hooks"):
            client.set(f"seven:{lock}:lock", "x", px=far_ahead_ms)
        client.set("seven:receiver:ahead", "{}", px=far_ahead_ms)
        client.sadd("seven:receivers", "gone", "ahead")
        client.hset("seven:in_hand", "settled", "a b")
        client.hset("seven:alone", "settled:1", "a b")
        client.hset("unacked", "tag", json.dumps([message, "dlr", "dlr"]))
        client.zadd("unacked_index", {"tag": 1})
        client.zadd("seven:beats", {"gone": 1})


def make_suspect(server: Valkey) -> None:
    """Let every batch in the ledger look as if workers had died over it."""
    with server.client() as client:
        client.hset("seven:in_hand", mapping=dict.fromkeys(client.hkeys("seven:batches"), "a b c d"))


def test_rights_are_enough_for_every_process(
    tmp_path: Path, server: Valkey, engine: Engine, database_url: str, stack: ExitStack
):
    """Deliveries become rows and changes, every scheduled task runs, all are ready; the server denies nothing."""
    emulator = stack.enter_context(run_emulator(api_key=KEY))
    settings = {
        "DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_SWEEP_S": "1", "SEVEN_API_KEY": KEY,
        "SEVEN_API_URL": f"{emulator.url}/api", "SEVEN_PUBLIC_URL": "https://hooks.invalid", "SEVEN_HOOKS_MODE": "apply",
    }  # fmt: skip
    ports = {name: free_port() for name in USERS}

    def environment(name: str) -> dict[str, str]:
        return settings | {"REDIS_URL": allow(server, name), "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[name]}"}

    prepare_rare_cases(server)
    receiver, console = Receiver(tmp_path, environment("receiver")), Console(tmp_path, environment("console"))
    stack.enter_context(serving(shop := Subscriber("shop")))
    file = write_file(tmp_path, shop, on='["message.*", "health.*"]')
    flower, scheduler = Flower(tmp_path, environment("flower")), beat(tmp_path, environment("beat"))
    consumer = worker(tmp_path, environment("worker"))
    sender = dispatcher(tmp_path, environment("dispatcher") | {"SEVEN_REACTIONS_FILE": str(file)})
    with running(receiver):
        delivery_id = deliver(receiver)
        make_suspect(server)
        with running(consumer, scheduler, sender, console, flower):

            def is_row() -> bool:
                with engine.connect().execution_options(reads=True) as connection:
                    return delivery_id in connection.execute(select(deliveries.c.id)).scalars().all()

            eventually(lambda: is_row() or denied(server))
            run_scheduled_tasks(server)
            begin(engine)
            numbers = count(8)
            eventually(lambda: (deliver(receiver, str(next(numbers))) and shop.received) or denied(server), every_s=1)
            assert denied(server) == []
            for name in ("receiver", "worker", "dispatcher", "beat", "console"):
                eventually(lambda name=name: '"ready": true' in readiness(ports[name]))
            for name in ("receiver", "worker", "console"):
                assert "seven_" in httpx2.get(f"http://127.0.0.1:{ports[name]}/metrics", timeout=PATIENCE_S).text
            eventually(lambda: "1 consumes" in httpx2.get(console.url, timeout=PATIENCE_S).text or denied(server))
            eventually(lambda: flower.get("/worker/worker@test").status_code == 200 or denied(server))
            assert all(queue in flower.get("/broker").text for queue in QUEUES)
            command = CommandLine(tmp_path, **environment("cli"))
            for words in (("status",), ("doctor", "--offline"), ("trace", delivery_id)):
                assert command.run(*words).returncode in (0, 1)
            assert denied(server) == []
            for process in (receiver, scheduler, sender, console, flower, consumer):
                process.end()
    assert denied(server) == []


def run_scheduled_tasks(server: Valkey) -> None:
    """Have a worker run every scheduled task now, and wait until each has left its trace in the ledger."""
    with Celery(set_as_current=False, changes=broker(server.url)) as app, server.client() as client:
        client.delete(*client.keys("seven:*:lock"))
        for task in ("audit", "retain", "delivery-rate", "opt-outs", "journal", "reconcile", "balance"):
            app.send_task(task, queue=CLOCK)
        traces = ("audit", "retention", "delivery_rate", "hooks:latest", "balance:latest", "journal:latest", "opt_outs")
        eventually(lambda: client.exists(*(f"seven:{key}" for key in traces)) == len(traces) or denied(server))
        eventually(lambda: not client.hexists("unacked", "tag") or denied(server))
    assert denied(server) == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("status",), id="status"),
        pytest.param(("audit",), id="audit"),
        pytest.param(("doctor", "--offline"), id="doctor"),
        pytest.param(("hooks", "plan"), id="hooks plan"),
        pytest.param(("hooks", "apply", "--yes"), id="hooks apply"),
        pytest.param(("backfill", "--yes"), id="backfill"),
        pytest.param(("rebuild", "--type", "dlr", "--yes"), id="rebuild"),
        pytest.param(("dead", "list"), id="dead list"),
        pytest.param(("opt-outs", "scan"), id="opt-outs scan"),
        pytest.param(("reactions", "list"), id="reactions list"),
        pytest.param(("trace", "77"), id="trace"),
        pytest.param(("forget", "+4917612345678", "--yes"), id="forget"),
    ],
)
def test_rights_are_enough_for_commands(tmp_path: Path, server: Valkey, database_url: str, words: tuple[str, ...]):
    """Each command succeeds, and the server denies nothing."""
    with run_emulator(api_key=KEY) as emulator:
        installation = CommandLine(
            tmp_path, REDIS_URL=allow(server, "cli"), DATABASE_URL=database_url, SEVEN_HOOK_TOKEN=TOKEN,
            SEVEN_API_KEY=KEY, SEVEN_API_URL=f"{emulator.url}/api", SEVEN_PUBLIC_URL="https://hooks.example.com",
        )  # fmt: skip
        result = installation.run(*words, "--json")
    assert result.returncode in (0, 1), result.stderr
    assert denied(server) == []


def test_a_command_may_accept_and_announce(server: Valkey):
    """As `backfill` does with what it finds in the gateway's journal."""
    url = allow(server, "cli")
    ledger, batch = Ledger(url, replicas=1), NewBatch("0190", "dlr", [b"{}"], frozenset())
    with pytest.raises(TooFewReplicas):  # it may ask whether a replica has it; here is none
        ledger.accept(batch)
    with Celery(set_as_current=False, changes=broker(url)) as app:
        announce(app, "dlr", [batch.id])
    with server.client() as client:
        assert (client.hlen("seven:batches"), client.llen("dlr")) == (1, 1)
    ledger.close()
    assert denied(server) == []


def test_a_denied_info_command_is_logged_and_stops_nothing(tmp_path: Path, server: Valkey):
    """If a managed server denies INFO, the receiver is ready, accepts deliveries, and logs the missing right."""
    url = allow(server, "receiver", "+info ")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        assert httpx2.get(f"{receiver.url}/readyz", timeout=PATIENCE_S).status_code == 200
        receiver.wait_until_logged("needs +info")


def test_the_memory_limit_holds_without_info(tmp_path: Path, server: Valkey):
    """Without INFO the receiver still measures Redis, and accepts nothing beyond 75% of the ledger's limit."""
    with server.client() as client:
        client.set("ballast", b"x" * 40_000_000)
    url = allow(server, "receiver", "+info ")
    settings = {
        "REDIS_URL": url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_LEDGER_LIMIT": "48MB",
    }
    receiver = Receiver(tmp_path, settings)
    with running(receiver):
        eventually(lambda: "75%" in httpx2.get(f"{receiver.url}/readyz", timeout=PATIENCE_S).text)
        answer = httpx2.post(
            f"{receiver.url}/hooks/{TOKEN}", json={"webhook_event": "dlr", "data": {}}, timeout=PATIENCE_S
        )
        assert answer.status_code == 503


def test_a_worker_without_channels_is_not_ready(tmp_path: Path, server: Valkey, database_url: str):
    """Without channels a worker could not answer; its readiness names the missing right."""
    port = free_port()
    environment = {"REDIS_URL": allow(server, "worker", "&/0.celery.pidbox "), "DATABASE_URL": database_url}
    environment |= {"SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"}
    with running(worker(tmp_path, environment)):
        eventually(lambda: "needs the channels" in readiness(port))


def test_a_receiver_logs_that_it_may_not_publish(tmp_path: Path, server: Valkey):
    """Deliveries are accepted; the log explains why hooks would be held."""
    url = allow(server, "receiver", "(~seven:receivers +sadd)")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        receiver.wait_until_logged("accepted hooks are not published")

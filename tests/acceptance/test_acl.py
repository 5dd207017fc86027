"""Redis users with the runbook's rights, and with fewer: a missing right is named, and everything else works."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, select

from seven.events import QUEUES
from store.schema import deliveries
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import KEY, run_emulator
from tests.processes import ROOT, Flower, Receiver, beat, dispatcher, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port, valkey

TOKEN = "a-token-for-the-rights-0123456789"
PASSWORD = "a-password-for-all"
USERS = re.findall(r"^user (\w+) (~.*)$", (ROOT / "deploy/operate.md").read_text(), re.MULTILINE)


@pytest.fixture
def dialect() -> str:
    """One database is enough: these tests are about Redis."""
    return "sqlite"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    (tmp_path / "valkey").mkdir()
    with valkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def allow(server: Valkey, user: str, *more: str) -> str:
    """Create a user with the runbook's rights, changed by `more`; return its URL."""
    rights = dict(USERS)[user].split()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", user, "reset", "on", f">{PASSWORD}", *rights, *more)
    return f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}/0"


def denied(server: Valkey) -> list[str]:
    with server.client() as client:
        return [f"{entry['username']}: {entry['object']}" for entry in client.acl_log()]


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


def test_the_rights_of_the_runbook_are_enough(
    tmp_path: Path, server: Valkey, engine: Engine, database_url: str, stack: ExitStack
):
    """For every process: a delivery becomes a row, all are ready, and the server denies nothing."""
    assert [user for user, _ in USERS] == ["receiver", "worker", "dispatcher", "beat", "flower", "cli"]
    for _, rights in USERS:
        assert set(re.findall(r"~(\w+)", rights)) >= set(QUEUES) or "~dlr" not in rights
    settings = {"DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_SWEEP_S": "1"}
    ports = {name: free_port() for name in ("receiver", "worker", "dispatcher", "beat")}

    def environment(name: str) -> dict[str, str]:
        return settings | {"REDIS_URL": allow(server, name), "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[name]}"}

    receiver = Receiver(tmp_path, environment("receiver"))
    stack.enter_context(serving(shop := Subscriber("shop")))
    file = write_file(tmp_path, shop, on='["message.*", "health.*"]')
    sender = dispatcher(tmp_path, environment("dispatcher") | {"SEVEN_REACTIONS_FILE": str(file)})
    others = (worker(tmp_path, environment("worker")), beat(tmp_path, environment("beat")), sender)
    with running(receiver, *others):
        delivery_id = deliver(receiver)

        def is_row() -> bool:
            with engine.connect().execution_options(reads=True) as connection:
                return connection.execute(select(deliveries.c.id)).scalars().all() == [delivery_id]

        eventually(lambda: is_row() or denied(server))
        assert denied(server) == []
        begin(engine)
        numbers = count(8)
        eventually(lambda: (deliver(receiver, str(next(numbers))) and shop.received) or denied(server), every_s=1)
        assert denied(server) == []
        for port in ports.values():
            eventually(lambda port=port: '"ready": true' in readiness(port))
        assert "seven_" in httpx2.get(f"http://127.0.0.1:{ports['worker']}/metrics", timeout=PATIENCE_S).text
        assert denied(server) == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("status",), id="status"),
        pytest.param(("audit",), id="audit"),
        pytest.param(("doctor", "--offline"), id="doctor"),
        pytest.param(("hooks", "plan"), id="hooks plan"),
        pytest.param(("forget", "+4917612345678", "--yes"), id="forget"),
    ],
)
def test_the_rights_of_the_runbook_are_enough_for_commands(
    tmp_path: Path, server: Valkey, database_url: str, words: tuple[str, ...]
):
    """Each command succeeds, and the server denies nothing."""
    with run_emulator(api_key=KEY) as emulator:
        installation = CommandLine(
            tmp_path, REDIS_URL=allow(server, "cli"), DATABASE_URL=database_url, SEVEN_HOOK_TOKEN=TOKEN,
            SEVEN_API_KEY=KEY, SEVEN_API_URL=f"{emulator.url}/api", SEVEN_PUBLIC_URL="https://hooks.example.com",
        )  # fmt: skip
        result = installation.run(*words, "--json")
    assert result.returncode in (0, 1), result.stderr
    assert denied(server) == []


def test_the_rights_of_the_runbook_are_enough_for_flower(tmp_path: Path, server: Valkey, database_url: str):
    """Flower shows the queues and a worker, and the server denies nothing."""
    settings = {"DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
    flower = Flower(tmp_path, settings | {"REDIS_URL": allow(server, "flower")})
    with running(flower, worker(tmp_path, settings | {"REDIS_URL": allow(server, "worker")})):
        eventually(lambda: flower.get("/worker/worker@test").status_code == 200)
        assert all(queue in flower.get("/broker").text for queue in QUEUES)
        assert denied(server) == []


def test_a_denied_info_command_is_logged_and_stops_nothing(tmp_path: Path, server: Valkey):
    """If a managed server denies INFO, the receiver is ready, accepts deliveries, and logs the missing right."""
    url = allow(server, "receiver", "-info")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        assert httpx2.get(f"{receiver.url}/readyz", timeout=PATIENCE_S).status_code == 200
        receiver.wait_until_logged("needs +info")


def test_the_memory_limit_holds_without_info(tmp_path: Path, server: Valkey):
    """Without INFO the receiver still measures Redis, and accepts nothing beyond 75% of the ledger's limit."""
    with server.client() as client:
        client.set("ballast", b"x" * 40_000_000)
    url = allow(server, "receiver", "-info")
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
    environment = {"REDIS_URL": allow(server, "worker", "resetchannels"), "DATABASE_URL": database_url}
    environment |= {"SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"}
    with running(worker(tmp_path, environment)):
        eventually(lambda: "needs the channels" in readiness(port))


def test_a_receiver_logs_that_it_may_not_publish(tmp_path: Path, server: Valkey):
    """Deliveries are accepted; the log explains why hooks would be held."""
    url = allow(server, "receiver", "-sadd")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        receiver.wait_until_logged("accepted tokens and URLs are not published")

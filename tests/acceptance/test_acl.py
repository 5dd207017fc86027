"""Redis users with the rights of the runbook, and with fewer: what is missing is named, and the rest goes on."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, select

from seven.events import QUEUES
from store.schema import deliveries
from tests.cli.installation import CommandLine
from tests.emulator.emulator_process import KEY, emulating
from tests.processes import ROOT, Flower, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Valkey, eventually, free_port, valkey

TOKEN = "a-token-for-the-rights-0123456789"
PASSWORD = "a-password-for-all"
USERS = re.findall(r"^user (\w+) (~.*)$", (ROOT / "deploy/README.md").read_text(), re.MULTILINE)


@pytest.fixture
def dialect() -> str:
    """Redis is what this is about."""
    return "sqlite"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    (tmp_path / "valkey").mkdir()
    with valkey(tmp_path / "valkey") as server:
        yield server


def allow(server: Valkey, user: str, *more: str) -> str:
    """Make a user with the runbook's rights, and more or fewer; returns its URL."""
    rights = dict(USERS)[user].split()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", user, "reset", "on", f">{PASSWORD}", *rights, *more)
    return f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}/0"


def denied(server: Valkey) -> list[str]:
    with server.client() as client:
        return [f"{entry['username']}: {entry['object']}" for entry in client.acl_log()]


def deliver(receiver: Receiver) -> str:
    body = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}
    answer = httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=body, timeout=PATIENCE_S)
    assert answer.status_code == 202
    return str(answer.json()["id"])


def readiness(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S).text
    except httpx2.TransportError:
        return ""


def test_the_rights_of_the_runbook_are_enough(tmp_path: Path, server: Valkey, engine: Engine, database_url: str):
    """For each process: a delivery becomes a row, all are ready, and the server has denied nothing."""
    assert [user for user, _ in USERS] == ["receiver", "worker", "beat", "flower", "cli"]
    for _, rights in USERS:
        assert set(re.findall(r"~(\w+)", rights)) >= set(QUEUES) or "~dlr" not in rights
    told = {"DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_SWEEP_S": "1"}
    ports = {name: free_port() for name in ("receiver", "worker", "beat")}

    def environment(name: str) -> dict[str, str]:
        return told | {"REDIS_URL": allow(server, name), "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{ports[name]}"}

    receiver = Receiver(tmp_path, environment("receiver"))
    with running(receiver, worker(tmp_path, environment("worker")), beat(tmp_path, environment("beat"))):
        delivery_id = deliver(receiver)

        def is_row() -> bool:
            with engine.connect().execution_options(reads=True) as connection:
                return connection.execute(select(deliveries.c.id)).scalars().all() == [delivery_id]

        eventually(lambda: is_row() or denied(server))
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
def test_commands_do_with_the_rights_of_the_runbook(
    tmp_path: Path, server: Valkey, database_url: str, words: tuple[str, ...]
):
    """Each says what it has to say, and the server has denied nothing."""
    with emulating(api_key=KEY) as emulator:
        installation = CommandLine(
            tmp_path, REDIS_URL=allow(server, "cli"), DATABASE_URL=database_url, SEVEN_HOOK_TOKEN=TOKEN,
            SEVEN_API_KEY=KEY, SEVEN_API_URL=f"{emulator.url}/api", SEVEN_PUBLIC_URL="https://hooks.example.com",
        )  # fmt: skip
        ended = installation.run(*words, "--json")
    assert ended.returncode in (0, 1), ended.stderr
    assert denied(server) == []


def test_flower_does_with_the_rights_of_the_runbook(tmp_path: Path, server: Valkey, database_url: str):
    """It shows the queues and a worker, and the server has denied nothing."""
    told = {"DATABASE_URL": database_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
    flower = Flower(tmp_path, told | {"REDIS_URL": allow(server, "flower")})
    with running(flower, worker(tmp_path, told | {"REDIS_URL": allow(server, "worker")})):
        eventually(lambda: flower.get("/worker/worker@test").status_code == 200)
        assert all(queue in flower.get("/broker").text for queue in QUEUES)
        assert denied(server) == []


def test_what_may_not_be_asked_is_named_and_hinders_nothing(tmp_path: Path, server: Valkey):
    """A managed server denies INFO: deliveries are accepted, the receiver is ready, and says what it lacks."""
    url = allow(server, "receiver", "-info")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        assert httpx2.get(f"{receiver.url}/readyz", timeout=PATIENCE_S).status_code == 200
        receiver.wait_until_logged("needs +info")


def test_the_bound_holds_without_info(tmp_path: Path, server: Valkey):
    """How full Redis is comes from elsewhere: beyond three quarters of the ledger's limit nothing is accepted."""
    with server.client() as client:
        client.set("ballast", b"x" * 40_000_000)
    url = allow(server, "receiver", "-info")
    told = {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off", "SEVEN_LEDGER_LIMIT": "48MB"}
    receiver = Receiver(tmp_path, told)
    with running(receiver):
        eventually(lambda: "75%" in httpx2.get(f"{receiver.url}/readyz", timeout=PATIENCE_S).text)
        answer = httpx2.post(
            f"{receiver.url}/hooks/{TOKEN}", json={"webhook_event": "dlr", "data": {}}, timeout=PATIENCE_S
        )
        assert answer.status_code == 503


def test_a_worker_without_channels_is_not_ready(tmp_path: Path, server: Valkey, database_url: str):
    """It could not be asked anything, and says which right is missing."""
    port = free_port()
    environment = {"REDIS_URL": allow(server, "worker", "resetchannels"), "DATABASE_URL": database_url}
    environment |= {"SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": f"127.0.0.1:{port}"}
    with running(worker(tmp_path, environment)):
        eventually(lambda: "needs the channels" in readiness(port))


def test_a_receiver_that_may_not_publish_says_so(tmp_path: Path, server: Valkey):
    """Deliveries are accepted; but hooks would be held, and nobody would know why."""
    url = allow(server, "receiver", "-sadd")
    receiver = Receiver(tmp_path, {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"})
    with running(receiver):
        deliver(receiver)
        receiver.wait_until_logged("not published what this receiver accepts")

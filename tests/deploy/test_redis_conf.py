"""deploy/redis.conf: a server with it serves ledger and Celery, and cannot be emptied by accident."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
import redis

from store.engine import create_store_engine
from store.migrate import migrate
from tests.conftest import TOKEN
from tests.deploy.test_setup import GOOD, Setup
from tests.processes import Receiver, beat, running, worker
from tests.servers import Postgres, Valkey, eventually

CONF = Path(__file__).parents[2] / "deploy/redis.conf"


class Configured(Valkey):
    """A server with our redis.conf, except for directory and port."""

    def __init__(self, directory: Path) -> None:
        setup = Setup(directory)
        assert setup.run(GOOD).returncode == 0
        secrets = setup.secrets / "redis"
        self.password = (secrets / "redis_password").read_text()
        conf = CONF.read_text().replace("dir /data", f"dir {directory}")
        self.conf = directory / "redis.conf"
        self.conf.write_text(conf.replace("/run/secrets/users.acl", str(secrets / "users.acl")))
        super().__init__(directory)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        binary, *_ = super().command()
        return [binary, str(self.conf), "--port", str(self.port), "--bind", "127.0.0.1"]


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Configured]:
    server = Configured(tmp_path)
    server.start()
    yield server
    server.kill()


def test_durability_settings(configured: Configured):
    """Writes are fsynced before the answer, nothing is evicted, memory is limited."""
    with configured.client() as client:
        config = client.config_get("*")

    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert int(config["maxmemory"]) > 0


@pytest.mark.parametrize("command", ["INFO", "CONFIG GET appendfsync", "SLOWLOG GET", "LATENCY LATEST", "BGREWRITEAOF"])
def test_runbook_commands_are_allowed(configured: Configured, command: str):
    """The commands of the runbook are permitted: inspection, and rewriting the append-only file."""
    with configured.client() as client:
        client.execute_command(*command.split())


@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "CONFIG SET appendfsync no", "SHUTDOWN", "REPLICAOF NO ONE"],
)
def test_destructive_commands_are_denied(configured: Configured, command: str):
    """Even with the password, commands that lose or redirect the ledger are denied."""
    with configured.client() as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


def test_the_password_is_required(configured: Configured):
    """Without the password every command is refused, even inside the private network."""
    with (
        redis.Redis("127.0.0.1", configured.port) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


def test_deliveries_reach_the_database(configured: Configured, postgres: Postgres, tmp_path: Path):
    """Receiver, worker, beat and remote control have all permissions they need; with an SQL_ASCII database."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS ascii")
        admin.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING SQL_ASCII LOCALE_PROVIDER libc LOCALE 'C'")
    url = postgres.url("ascii")
    engine = create_store_engine(url)
    migrate(engine)
    engine.dispose()
    environment = {
        "REDIS_URL": configured.url,
        "DATABASE_URL": url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_SWEEP_S": "1",
        "SEVEN_METRICS_ADDRESS": "off",
    }
    receiver = Receiver(tmp_path, environment)
    consumer, scheduler = worker(tmp_path, environment), beat(tmp_path, environment)
    with running(receiver, consumer, scheduler), psycopg.connect(url, autocommit=True) as connection:
        delivery = {"webhook_event": "sms_mo", "data": {"id": "1", "sender": "4917", "text": "süß 🍰", "system": "49"}}
        answer = httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=delivery)
        assert answer.json()["outcome"] == "accepted"
        eventually(lambda: connection.execute("SELECT 1 FROM seven.inbound_messages").fetchone())
        assert connection.execute("SELECT convert_to(text, 'UTF8') FROM seven.inbound_messages").fetchone() == (
            "süß 🍰".encode(),
        )
        eventually(lambda: "NOPERM" in consumer.log.read_text() or not pending(configured))
    for process in (receiver, consumer, scheduler):
        assert "NOPERM" not in process.log.read_text()


def pending(server: Valkey) -> int:
    with server.client() as client:
        return client.hlen("seven:batches")

"""New passwords of servers under traffic, by the commands of deploy/operate.md: nothing is refused, nobody storms."""

import re
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.acceptance.postgres_roles import OWNER, RoleDatabase, database_with_roles
from tests.acceptance.redis_users import PASSWORD, allow, denied
from tests.conftest import TOKEN
from tests.processes import ROOT, Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, Postgres, Valkey, eventually

RUNBOOK = (ROOT / "deploy/operate.md").read_text()
SECOND_ROLE = re.findall(r"^((?:ALTER|CREATE) ROLE seven_worker.*?;)", RUNBOOK, re.MULTILINE)
COMMANDS = re.findall(r"^\$ redis-cli (ACL SETUSER receiver '.*?')", RUNBOOK, re.MULTILINE)


def deliver(receiver: Receiver) -> int:
    """Deliver something; returns the status of the answer."""
    body = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}
    return httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=body, timeout=PATIENCE_S).status_code


@contextmanager
def traffic(receiver: Receiver) -> Iterator[list[int]]:
    """Deliver for as long as the block takes, and once more; yields the statuses."""
    statuses: list[int] = []
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            statuses.append(deliver(receiver))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()
        statuses.append(deliver(receiver))


def run_as_written(server: Valkey, command: str, **values: str) -> None:
    """Run a command of the runbook with these values for its placeholders."""
    for placeholder, value in values.items():
        command = command.replace(placeholder, value)
    with server.client() as client:
        client.execute_command(*shlex.split(command))


def test_a_user_has_two_passwords_until_every_process_has_restarted(server: Valkey, tmp_path: Path):
    """Two receivers, one after the other; not one delivery is refused, and the old password is worth nothing then."""
    add, remove = COMMANDS
    old = allow(server, "receiver")
    new = old.replace(PASSWORD, "another-password")

    def receiver(name: str, url: str) -> Receiver:
        settings = {"REDIS_URL": url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
        return Receiver(tmp_path, settings, name)

    first, second = receiver("first", old), receiver("second", old)
    with ExitStack() as stack:
        stack.enter_context(running(first, second))
        run_as_written(server, add, NEW="another-password")
        with traffic(second) as to_second:
            first.end()
            stack.enter_context(running(first := receiver("first-again", new)))
        with traffic(first) as to_first:
            second.end()
            stack.enter_context(running(second := receiver("second-again", new)))
            run_as_written(server, remove, OLD=PASSWORD)
            assert deliver(second) == 202
        assert set(to_first + to_second) == {202}
    assert denied(server) == []
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(old, retry=Retry(NoBackoff(), 0)).ping()


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoleDatabase]:
    """On a server that asks workers for a password."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.create()
    hba = server.directory / "data/pg_hba.conf"
    # since PostgreSQL 16 the creator of a role is a member of it
    rules = f"host all {OWNER} 127.0.0.1/32 trust\nhost all +seven_worker 127.0.0.1/32 scram-sha-256\n"
    hba.write_text(rules + hba.read_text())
    server.start()
    yield database_with_roles(server)
    server.stop(signal.SIGQUIT)
    server.remove()


@pytest.mark.parametrize("role", ["seven_worker", "seven_worker_2"])
def test_workers_get_another_password_one_after_the_other(
    database: RoleDatabase, server: Valkey, tmp_path: Path, role: str
):
    """By a new password of their role, or a second role in it, which does when the first may no longer log in.

    Whoever runs goes on, and every delivery becomes a row.
    """
    create, retire = SECOND_ROLE
    with database.connect(OWNER) as owner:
        owner.execute("ALTER ROLE seven_worker PASSWORD 'OLD'")
    settings = {
        "REDIS_URL": server.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_SWEEP_S": "1", "SEVEN_OVERDUE_S": "10",
    }  # fmt: skip

    def new_worker(name: str, login: str) -> Process:
        return worker(tmp_path, settings | {"DATABASE_URL": database.url(login)}, name)

    def all_applied() -> bool:
        with server.client() as client:
            return not client.hlen("seven:batches")

    old, new = "seven_worker:OLD", f"{role}:NEW"
    receiver, first, second = Receiver(tmp_path, settings), new_worker("first", old), new_worker("second", old)
    scheduler = beat(tmp_path, settings | {"DATABASE_URL": database.url(old)})  # what an old worker held is swept
    with ExitStack() as stack:
        stack.enter_context(running(receiver, first, second, scheduler))
        assert deliver(receiver) == 202
        eventually(all_applied)
        with database.connect(OWNER) as owner:
            if role == "seven_worker_2":
                owner.execute(create)
            owner.execute(f"ALTER ROLE {role} PASSWORD 'NEW'")  # as psql's \\password does
        with traffic(receiver) as statuses:
            first.end()
            stack.enter_context(running(first_again := new_worker("first-again", new)))
            first_again.wait_until_logged("consumed")
            second.end()
            if role == "seven_worker_2":
                with database.connect(OWNER) as owner:
                    owner.execute(retire)
            stack.enter_context(running(second_again := new_worker("second-again", new)))
            first_again.end()
            second_again.wait_until_logged("consumed")
        assert set(statuses) == {202}
        eventually(all_applied)
    assert database.denied() == []

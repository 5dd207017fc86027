"""Redis over TLS: every process works with a trusted certificate authority and refuses an unknown one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from seven.events import QUEUES
from store.engine import create_store_engine
from store.migrate import migrate
from tests.cli.installation import CommandLine
from tests.conftest import TOKEN
from tests.processes import Flower, Process, Receiver, beat, running, worker
from tests.servers import PATIENCE_S, eventually, free_port
from tests.tls import PASSWORD, QUOTED, Terminator, over_tls

DELIVERY = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED", "timestamp": "2026-11-01 10:00:00"}}
REASON = "its certificate is signed by no authority known here"


@pytest.fixture
def terminator(tmp_path: Path) -> Iterator[Terminator]:
    with over_tls(tmp_path) as terminator:
        yield terminator


class System:
    """All processes of one installation, each with a status address."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.database = directory / "seven.db"
        self.settings = {
            "REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{self.database}", "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_SWEEP_S": "1",
        }  # fmt: skip
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in ("receiver", "worker", "beat")}
        self.receiver = Receiver(directory, self._environment("receiver"))
        self.worker = worker(directory, self._environment("worker"))
        self.beat = beat(directory, self._environment("beat"))
        self.flower = Flower(directory, self.settings | {"SEVEN_METRICS_ADDRESS": "off"})
        self.installation = CommandLine(directory, **self.settings, SEVEN_RECEIVER_URL=self.receiver.url)

    @property
    def processes(self) -> tuple[Process, ...]:
        return self.flower, self.worker, self.beat, self.receiver

    def ready(self, name: str) -> tuple[int, str]:
        """Status and text of a process' readiness; status 0 while it does not listen."""
        try:
            answer = httpx2.get(f"http://{self.addresses[name]}/readyz", timeout=PATIENCE_S)
        except httpx2.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def rows(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    def _environment(self, name: str) -> dict[str, str]:
        return self.settings | {"SEVEN_METRICS_ADDRESS": self.addresses[name]}


def migrated(directory: Path, redis_url: str) -> System:
    """All processes, with a migrated database."""
    system = System(directory, redis_url)
    engine = create_store_engine(f"sqlite:///{system.database}")
    migrate(engine)
    engine.dispose()
    return system


def test_processes_work_with_a_trusted_authority(tmp_path: Path, terminator: Terminator):
    """A delivery becomes a row, Flower shows the queues and commands work, with Celery's spelling of the option."""
    url = terminator.url(ssl_cert_reqs="CERT_REQUIRED", ssl_ca_certs=str(terminator.certificate))
    system = migrated(tmp_path, url)
    with running(*system.processes):
        for name in system.addresses:
            eventually(lambda name=name: system.ready(name)[0] == 200, 60)
        httpx2.post(f"{system.receiver.url}/hooks/{TOKEN}", json=DELIVERY).raise_for_status()
        eventually(system.rows, 60)
        page = eventually(lambda: (text := system.flower.get("/broker").text) and "dlr" in text and text, 60)
        status = system.installation.run("status", "--json")
        audit = system.installation.run("audit", "--json")
    assert all(queue in page for queue in QUEUES)
    assert '"worker@test"' in status.stdout, status.stderr
    assert audit.returncode == 0, audit.stderr
    output = "".join(process.log.read_text() for process in system.processes) + page
    assert not [secret for secret in (PASSWORD, QUOTED) if secret in output]


def test_processes_send_nothing_to_an_unknown_authority(tmp_path: Path, terminator: Terminator):
    """Every process reports the same reason, and the server receives no byte, and so no password."""
    system = migrated(tmp_path, terminator.url())
    with running(*system.processes):
        for name in system.addresses:
            eventually(lambda name=name: REASON in system.ready(name)[1], 60)
        for process in (system.worker, system.beat):  # for Celery's own connection
            eventually(lambda process=process: REASON in process.log.read_text(), 60)
        assert httpx2.post(f"{system.receiver.url}/hooks/{TOKEN}", json=DELIVERY).status_code == 503
        page = system.flower.get("/broker").text
        commands = [system.installation.run(*words) for words in (("status",), ("audit",))]
        assert terminator.received == b""
    for result in commands:
        assert REASON in " ".join((result.stdout + result.stderr).split()), result
    assert commands[1].returncode == 3
    output = "".join(process.log.read_text() for process in system.processes) + page
    output += "".join(result.stdout + result.stderr for result in commands)
    assert not [secret for secret in (PASSWORD, QUOTED) if secret in output]


def test_no_process_starts_with_an_unusable_option(tmp_path: Path):
    """Receivers, workers and commands exit with code 2 and the same line."""
    system = System(tmp_path, f"rediss://:{QUOTED}@127.0.0.1:1/0?ssl_ca_certs=/nowhere.pem")
    lines = []
    for process in (system.receiver, system.worker):
        Process.start(process)
    for process in (system.receiver, system.worker):
        assert process.process
        assert process.process.wait(PATIENCE_S) == 2
        lines.append(process.log.read_text().splitlines()[-1])
    for words in (("status",), ("audit",)):
        result = system.installation.run(*words)
        assert result.returncode == 2
        lines.append(result.stderr.splitlines()[-1])
    assert set(lines) == {
        "configuration: REDIS_URL: ssl_ca_certs, ssl_ca_path: unusable (No such file or directory)",
    }

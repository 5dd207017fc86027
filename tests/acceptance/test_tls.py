"""Redis over TLS: every process of ours works with an authority that it knows, and refuses one that it does not."""

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
WORDS = "its certificate is signed by no authority known here"


@pytest.fixture
def terminator(tmp_path: Path) -> Iterator[Terminator]:
    with over_tls(tmp_path) as one:
        yield one


class Everybody:
    """All processes of one installation, each with an address where it says how it is."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.database = directory / "seven.db"
        self.told = {
            "REDIS_URL": redis_url, "DATABASE_URL": f"sqlite:///{self.database}", "SEVEN_HOOK_TOKEN": TOKEN,
            "SEVEN_SWEEP_S": "1",
        }  # fmt: skip
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in ("receiver", "worker", "beat")}
        self.receiver = Receiver(directory, self._environment("receiver"))
        self.worker = worker(directory, self._environment("worker"))
        self.beat = beat(directory, self._environment("beat"))
        self.flower = Flower(directory, self.told | {"SEVEN_METRICS_ADDRESS": "off"})
        self.installation = CommandLine(directory, **self.told, SEVEN_RECEIVER_URL=self.receiver.url)

    @property
    def processes(self) -> tuple[Process, ...]:
        return self.flower, self.worker, self.beat, self.receiver

    def ready(self, name: str) -> tuple[int, str]:
        """Status and words of a process that is asked whether it is ready; 0 while it does not listen."""
        try:
            answer = httpx2.get(f"http://{self.addresses[name]}/readyz", timeout=PATIENCE_S)
        except httpx2.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def rows(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    def _environment(self, name: str) -> dict[str, str]:
        return self.told | {"SEVEN_METRICS_ADDRESS": self.addresses[name]}


def everybody(directory: Path, redis_url: str) -> Everybody:
    """With a database that is migrated."""
    found = Everybody(directory, redis_url)
    engine = create_store_engine(f"sqlite:///{found.database}")
    migrate(engine)
    engine.dispose()
    return found


def test_all_work_with_an_authority_that_they_know(tmp_path: Path, terminator: Terminator):
    """A delivery becomes a row, Flower shows the queues, commands answer; Celery's spelling of the option is good."""
    url = terminator.url(ssl_cert_reqs="CERT_REQUIRED", ssl_ca_certs=str(terminator.certificate))
    all_ = everybody(tmp_path, url)
    with running(*all_.processes):
        for name in all_.addresses:
            eventually(lambda name=name: all_.ready(name)[0] == 200, 60)
        httpx2.post(f"{all_.receiver.url}/hooks/{TOKEN}", json=DELIVERY).raise_for_status()
        eventually(all_.rows, 60)
        page = eventually(lambda: (text := all_.flower.get("/broker").text) and "dlr" in text and text, 60)
        status = all_.installation.run("status", "--json")
        audit = all_.installation.run("audit", "--json")
    assert all(queue in page for queue in QUEUES)
    assert '"worker@test"' in status.stdout, status.stderr
    assert audit.returncode == 0, audit.stderr
    said = "".join(process.log.read_text() for process in all_.processes) + page
    assert not [one for one in (PASSWORD, QUOTED) if one in said]


def test_none_sends_anything_to_an_authority_that_it_does_not_know(tmp_path: Path, terminator: Terminator):
    """Each says so in the same words, and the server has not heard a byte, least of all the password."""
    all_ = everybody(tmp_path, terminator.url())
    with running(*all_.processes):
        for name in all_.addresses:
            eventually(lambda name=name: WORDS in all_.ready(name)[1], 60)
        for process in (all_.worker, all_.beat):  # Celery's own connection, of either
            eventually(lambda process=process: WORDS in process.log.read_text(), 60)
        assert httpx2.post(f"{all_.receiver.url}/hooks/{TOKEN}", json=DELIVERY).status_code == 503
        page = all_.flower.get("/broker").text
        commands = [all_.installation.run(*words) for words in (("status",), ("audit",))]
        assert terminator.heard == b""
    for ended in commands:
        assert WORDS in " ".join((ended.stdout + ended.stderr).split()), ended
    assert commands[1].returncode == 3
    said = "".join(process.log.read_text() for process in all_.processes) + page
    said += "".join(ended.stdout + ended.stderr for ended in commands)
    assert not [one for one in (PASSWORD, QUOTED) if one in said]


def test_none_starts_with_what_it_could_not_use(tmp_path: Path):
    """Exit code 2, and the same line from receivers, workers and commands."""
    all_ = Everybody(tmp_path, f"rediss://:{QUOTED}@127.0.0.1:1/0?ssl_ca_certs=/nowhere.pem")
    said = []
    for process in (all_.receiver, all_.worker):
        Process.start(process)
    for process in (all_.receiver, all_.worker):
        assert process.process
        assert process.process.wait(PATIENCE_S) == 2
        said.append(process.log.read_text().splitlines()[-1])
    for words in (("status",), ("audit",)):
        ended = all_.installation.run(*words)
        assert ended.returncode == 2
        said.append(ended.stderr.splitlines()[-1])
    assert set(said) == {
        "configuration: REDIS_URL: ssl_ca_certs, ssl_ca_path: of no use (No such file or directory)",
    }

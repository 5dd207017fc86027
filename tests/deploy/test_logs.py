"""deploy/logs: every line of a receiver reaches the collector, and the audit can be made against what is there."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.deploy.backups import SqliteDatabase
from tests.deploy.machine import Machine
from tests.deploy.test_compose import SERVICES
from tests.deploy.tools import tool
from tests.processes import ROOT
from tests.servers import PATIENCE_S, eventually, free_port

NAME = "seven-ingest-ingest-1"
MODULES = Path("/usr/lib")


class Rsyslog:
    """rsyslogd with one of our files, and nothing else."""

    def __init__(self, directory: Path, file: str, **places: str) -> None:
        work = directory / file.removesuffix(".conf")
        work.mkdir()
        text = (ROOT / "deploy/logs" / file).read_text()
        for place, other in places.items():
            assert place in text
            text = text.replace(place, other)
        self.configuration, self._pid = work / file, work / "pid"
        self.configuration.write_text(f'global(workDirectory="{work}")\n{text}')
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [tool("rsyslogd", "/usr/sbin/rsyslogd"), "-n", "-f", str(self.configuration), "-i", str(self._pid)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
        self._pid.unlink(missing_ok=True)


class Container:
    """A container's log as Docker's json-file driver writes it."""

    def __init__(self, directory: Path, name: str) -> None:
        self._file, self._name = directory / name / f"{name}-json.log", name
        self._file.parent.mkdir(parents=True)

    def log(self, lines: list[str]) -> None:
        with self._file.open("a") as file:
            for line in lines:
                entry = {
                    "log": f"{line}\n",
                    "stream": "stdout",
                    "attrs": {"tag": self._name},
                    "time": "2026-11-29T23:26:12.6Z",
                }
                file.write(json.dumps(entry, separators=(",", ":")) + "\n")

    def rotate(self) -> None:
        self._file.rename(f"{self._file}.1")


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[tuple[Rsyslog, Rsyslog]]:
    """Who ships and who collects, neither of them started."""
    if not [*MODULES.glob("*/rsyslog/omrelp.so")]:
        tool("rsyslog-relp")  # a package of its own
    port = f'port="{free_port()}"'
    containers, logs = str(tmp_path / "containers"), str(tmp_path / "collected")
    places = {"collector.example.com": "127.0.0.1", 'port="2514"': port, "/var/lib/docker/containers": containers}
    ship = Rsyslog(tmp_path, "ship.conf", **places, **{'Interval="5"': 'Interval="1"'})
    collect = Rsyslog(tmp_path, "collect.conf", **{'port="2514"': port, "/var/log/seven-ingest": logs})
    with ExitStack() as stack:
        stack.callback(ship.end)
        stack.callback(collect.end)
        yield ship, collect


@contextmanager
def machine_with_log(directory: Path) -> Iterator[tuple[Machine, list[str]]]:
    """A machine, and the lines that its receiver has logged of 300 deliveries."""
    with Machine(directory, SqliteDatabase(directory)) as machine:
        machine.start()
        machine.deliver(300)
        machine.wait_until_settled()
        yield machine, machine.receiver.log.read_text().splitlines()


@pytest.mark.duration(20)
def test_every_line_is_collected(tmp_path: Path, collector: tuple[Rsyslog, Rsyslog]):
    """While the collector is away or killed, the shipper is killed, and Docker rotates; other containers stay private.

    What is collected is a log as receivers write it: the audit against it knows each delivery.
    """
    ship, collect = collector
    container, other = Container(tmp_path / "containers", NAME), Container(tmp_path / "containers", "shop-web-1")
    with machine_with_log(tmp_path) as (machine, lines):
        parts = [lines[start::5] for start in range(5)]
        container.log(parts[0])
        ship.start()  # the collector is away
        container.log(parts[1])
        other.log(["not ours"])
        collect.start()
        eventually(lambda: set(parts[0] + parts[1]) <= set(collected(tmp_path)))
        collect.end(signal.SIGKILL)
        container.log(parts[2])
        collect.start()
        eventually(lambda: set(parts[2]) <= set(collected(tmp_path)))
        ship.end(signal.SIGKILL)
        container.log(parts[3])
        container.rotate()
        ship.start()
        container.log(parts[4])
        eventually(lambda: set(lines) <= set(collected(tmp_path)))
        assert set(collected(tmp_path)) == set(lines)

        (file,) = (tmp_path / "collected").glob(f"{NAME}-*.log")
        audited = machine.command("audit", "--json", "--against", str(file))
        assert audited.returncode == 0, audited.stderr
        assert json.loads(audited.stdout)["against"]["told"] == len(machine.delivered)


def collected(directory: Path) -> list[str]:
    """All lines at the collector."""
    return [line for file in (directory / "collected").glob("*") for line in file.read_text().splitlines()]


def test_every_service_is_shipped():
    """deploy/logs.yml has Docker write a file for every service that stays, with the tag that ship.conf goes by."""
    services = yaml.safe_load((ROOT / "deploy/logs.yml").read_text())["services"]
    stays = {name for name, service in SERVICES.items() if service["restart"] == "always"} - {"prometheus"}

    assert stays <= services.keys()
    for service in services.values():
        assert service["logging"]["driver"] == "json-file"
        assert service["logging"]["options"]["tag"] == "{{.Name}}"

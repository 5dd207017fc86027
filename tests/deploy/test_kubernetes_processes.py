"""The commands, settings, secrets and probes of deploy/kubernetes, on real processes: the Job migrates, and all become ready."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.deploy.kubernetes import Document, Installation, container, environment, mounted_secret, pod, select
from tests.deploy.test_setup import GOOD, ROOT
from tests.forks import COMMAND
from tests.loopbacks import LOOPBACKS
from tests.processes import Process, running
from tests.servers import PATIENCE_S, eventually, free_port

PROCESSES = ("ingest", "worker", "beat", "reactions", "flower", "console")


class Cluster:
    """What a kubelet does, as far as processes notice: variables, files, commands, probes; without any isolation."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.directory = installation, installation.env.parent
        documents = installation.render("small")
        self.objects = select(documents, "Deployment") | select(documents, "Job")
        self.settings = {file.name: file.read_text() for file in (installation.directory / "config/settings").iterdir()}

    def local(self, document: Document, text: str, ports: dict[int, int]) -> str:
        """A path in a pod, an address or a port as it is on this machine."""
        config = self.installation.directory / "config"
        text = text.replace("/run/secrets", str(config / mounted_secret(document)))
        text = text.replace("/etc/seven/reactions", str(config / "reactions-directory"))
        text = text.replace("/opt/seven/deploy", str(ROOT / "deploy"))
        return re.sub(r"\b\d{4}\b", lambda match: str(ports.get(int(match[0]), match[0])), text)

    def variables(self, document: Document, given: dict[str, str], ports: dict[int, int]) -> dict[str, str]:
        return self.settings | {name: self.local(document, value, ports) for name, value in given.items()}

    def process(self, name: str) -> tuple[Process, list[str]]:
        """The process of a Deployment, not yet started, and what a kubelet and others ask, by IPv4 and IPv6."""
        document = self.objects[name]
        listed = {port["name"]: port["containerPort"] for port in container(document)["ports"]}
        ports = {number: free_port() for number in listed.values()}
        command = [self.local(document, word, ports) for word in container(document)["command"]]
        if name == "flower":  # its port and its volume are in its configuration
            command += [f"--port={ports[5555]}", f"--db={self.directory / 'flower.db'}"]
        probe = container(document)["readinessProbe"]["httpGet"]
        process = Process(
            name,
            self.directory,
            [sys.executable, "-m", *command],
            self.variables(document, environment(document), ports),
        )
        paths = dict.fromkeys(listed, "/livez") | {probe["port"]: probe["path"]}
        return process, [
            f"http://{host}:{ports[listed[name]]}{path}" for host in LOOPBACKS for name, path in paths.items()
        ]

    def run_to_its_end(self, document: Document, spec: Any) -> "subprocess.Popen[str]":
        """Start a container that ends by itself."""
        given = {variable["name"]: variable["value"] for variable in spec["env"]}
        return subprocess.Popen(
            [COMMAND, *spec["command"][1:]], cwd=self.directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **self.variables(document, given, {})},
        )  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path, redis_url: str, empty_database: str) -> Cluster:
    installation = Installation(tmp_path)
    (tmp_path / "reactions.d").mkdir()
    (tmp_path / "reactions.d/subscriber.py").write_text("def accept(change): pass\n")
    (tmp_path / "reactions.d/reactions.toml").write_text(
        '[[reaction]]\nname = "shop"\non = ["*"]\ncall = "subscriber:accept"\n'
    )
    servers = {"REDIS_URL": redis_url, "DATABASE_URL": empty_database, "SEVEN_CONSOLE_AUTH": "anna:a-long-password"}
    assert installation.configure(GOOD | servers).returncode == 0
    return Cluster(installation)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_pods_wait_for_the_job_and_become_ready(cluster: Cluster):
    """Before the Job no init container ends; afterwards each does, and each process answers its probe at every address."""
    waiting = {
        name: cluster.run_to_its_end(cluster.objects[name], pod(cluster.objects[name])["spec"]["initContainers"][0])
        for name in ("worker", "reactions", "console")
    }
    try:
        for process in waiting.values():
            assert process.stderr
            assert process.stderr.readline().startswith("Waiting: the database is empty, not at ")
        job = cluster.run_to_its_end(cluster.objects["migrate"], container(cluster.objects["migrate"]))
        _, errors = job.communicate(timeout=PATIENCE_S)
        assert job.returncode == 0, errors
        assert {process.wait(PATIENCE_S) for process in waiting.values()} == {0}
    finally:
        for process in waiting.values():
            process.kill()
            process.communicate()

    processes = [cluster.process(name) for name in PROCESSES]
    with running(*(process for process, _ in processes)):
        for process, addresses in processes:
            for address in addresses:
                eventually(partial(is_ready, process, address))


def is_ready(process: Process, address: str) -> bool:
    assert process.process
    assert process.process.poll() is None, process.log.read_text()
    try:
        return httpx2.get(address, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False

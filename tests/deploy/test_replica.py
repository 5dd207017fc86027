"""Names of workers in containers: by number and machine, unique in any case."""

import re
import runpy
import socket
import subprocess
import sys
from typing import Any

import pytest

from tests.deploy.test_compose import ROOT, SERVICES

REPLICA: dict[str, Any] = runpy.run_path(str(ROOT / "deploy/replica.py"))


def test_the_container_has_the_number():
    """The number is the container's; Celery expands nothing in the host's name."""
    assert REPLICA["node_name"]("worker", 2, "shop-7.example") == "worker-2@shop-7.example"
    assert REPLICA["node_name"]("worker", 2, "50%h@x") == "worker-2@50-h-x"


def test_names_differ_without_a_number():
    """Where Docker's DNS knows no number, names are still unique among replicas."""
    names = {REPLICA["node_name"]("worker", None, "machine") for _ in range(5)}

    assert len(names) == 5


@pytest.mark.parametrize(
    ("containers", "number"),
    [
        pytest.param({"shop-worker-1": "192.0.2.7", "shop-worker-3": "192.0.2.1"}, 3, id="another is 1, and 2 is gone"),
        pytest.param({"shop-worker-1": "192.0.2.7", "other-worker-2": "192.0.2.1"}, None, id="of another project"),
        pytest.param({}, None, id="no DNS"),
    ],
)
def test_the_number_is_in_the_name_of_the_container(
    containers: dict[str, str], number: int | None, monkeypatch: pytest.MonkeyPatch
):
    """The number is that of the container whose name leads to our own address. Docker's DNS alone is replaced."""

    def resolve(name: str) -> tuple[str, list[str], list[str]]:
        if name not in containers:
            raise socket.gaierror(name)
        return name, [], [containers[name]]

    find = REPLICA["number"]
    monkeypatch.setitem(find.__globals__, "addresses", lambda: iter(["192.0.2.1", "198.51.100.1"]))
    monkeypatch.setattr(socket, "gethostbyname_ex", resolve)

    assert find("shop", "worker") == number


def test_a_name_of_its_own():
    """The service `reactions` has dispatchers, and is found under its own name."""
    words = [sys.executable, str(ROOT / "deploy/replica.py"), "shop", "reactions"]
    named = subprocess.run([*words, "dispatcher"], capture_output=True, text=True, check=True).stdout
    plain = subprocess.run(words, capture_output=True, text=True, check=True).stdout

    assert re.fullmatch(r"dispatcher-\w+@.+", named)
    assert re.fullmatch(r"reactions-\w+@.+", plain)
    assert " ".join(SERVICES["reactions"]["command"]).startswith(
        'sh -c name=$$(python /opt/seven/deploy/replica.py "$COMPOSE_PROJECT_NAME" reactions dispatcher) && exec celery '
    )


def test_addresses_are_those_of_this_machine():
    """Every address is one that this machine can listen on, and none is the loopback."""
    for address in REPLICA["addresses"]():
        assert not address.startswith("127.")
        with socket.socket() as listener:
            listener.bind((address, 0))


def test_compose_names_workers_by_the_machine():
    """Workers, and the command that counts them, have the machine's host name instead of a container's id."""
    command = " ".join(SERVICES["worker"]["command"])

    assert command.startswith(
        'sh -c name=$$(python /opt/seven/deploy/replica.py "$COMPOSE_PROJECT_NAME" worker) && exec celery '
    )
    assert command.endswith('--hostname "$$name"')  # exec: signals reach Celery
    shares_name = {name for name, service in SERVICES.items() if service.get("uts") == "host"}
    assert shares_name == {"worker", "reactions", "cli"}
    assert {"WORKER_REPLICAS", "INGEST_REPLICAS"} <= SERVICES["cli"]["environment"].keys()

"""A container's name: the service with its number, by the address that Docker's name server has for it."""

import runpy
import socket
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).parents[2] / "deploy/container_name.py")
OURS, OTHER = "127.0.0.1", "192.0.2.1"  # no machine has the other, which is reserved for documentation


def name_among(monkeypatch: pytest.MonkeyPatch, addresses: dict[str, str]) -> str:
    """The name that a worker of project `seven` finds when the name server knows these addresses."""

    def look_up(name: str) -> str:
        if name not in addresses:
            raise socket.gaierror("unknown name")
        return addresses[name]

    monkeypatch.setattr(socket, "gethostbyname", look_up)
    return str(runpy.run_path(SCRIPT)["name"]("seven", "worker"))


def test_a_container_finds_its_number(monkeypatch: pytest.MonkeyPatch):
    """It is the one whose address is ours, also after others are gone."""
    assert name_among(monkeypatch, {"seven-worker-2": OTHER, "seven-worker-3": OURS}) == "worker-3"


@pytest.mark.parametrize("addresses", [{}, {"seven-worker-1": OTHER}])
def test_an_unknown_container_gets_a_random_number(monkeypatch: pytest.MonkeyPatch, addresses: dict[str, str]):
    """Two workers of one name would answer for each other."""
    first, second = (name_among(monkeypatch, addresses) for _ in range(2))
    assert first != second
    assert first.startswith("worker-")

"""Memory limits: compose and Kubernetes have those of docs/scaling.md, more than twice what was measured."""

import re

import pytest

from tests.deploy.kubernetes import Document, container, select
from tests.deploy.test_compose import ROOT, SERVICES

SERVICE_OF = {
    "receiver": "ingest",
    "worker": "worker",
    "beat": "beat",
    "dispatcher of reactions": "reactions",
    "console": "console",
    "Flower": "flower",
    "Redis": "redis",
    "PostgreSQL": "postgres",
}
OF_OTHERS = {"proxy", "prometheus"}
"""Services of compose that are measured by those who make them."""
MIB = {"m": 1, "g": 1024, "Mi": 1, "Gi": 1024}
_ROW = re.compile(r"\| ([\w ]+) \| (\d+) \| (\d+)[^|]* \| ([\d,]+) \| [\d.]+ \|")


def table() -> dict[str, tuple[int, int, int]]:
    """MiB by service: at rest, at most, and the limit."""
    section = (ROOT / "docs/scaling.md").read_text().split("## What each process needs")[1].split("\n## ")[0]
    return {
        SERVICE_OF[name]: (int(rest), int(most), int(limit.replace(",", "")))
        for name, rest, most, limit in _ROW.findall(section)
    }


def mib(text: str) -> int:
    number = re.fullmatch(r"(\d+)([A-Za-z]+)", text)
    assert number
    return int(number[1]) * MIB[number[2]]


def test_every_process_is_in_the_table():
    """Those that serve; what runs once and ends is not."""
    serving = {name for name, service in SERVICES.items() if service["restart"] == "always"}
    assert table().keys() == serving - OF_OTHERS
    for _, most, limit in table().values():
        assert limit > 2 * most


def test_limits_of_compose():
    limits = {name: SERVICES[name]["deploy"]["resources"]["limits"]["memory"] for name in SERVICE_OF.values()}
    assert {name: mib(text) for name, text in limits.items()} == {name: row[2] for name, row in table().items()}


@pytest.mark.parametrize("name", SERVICE_OF.values())
def test_requests_and_limits_of_kubernetes(name: str, overlays: dict[str, list[Document]]):
    """Kubernetes reserves what a process needs at rest, and limits it no lower than compose."""
    kinds = ("Deployment", "StatefulSet")
    pods = {key: pod for kind in kinds for key, pod in select(overlays["small"], kind).items()}
    resources = container(pods[name])["resources"]
    rest, _, limit = table()[name]
    assert mib(resources["requests"]["memory"]) >= rest
    assert mib(resources["limits"]["memory"]) >= limit

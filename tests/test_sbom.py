"""The bill of materials is valid CycloneDX, and has what is installed."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.sbom import pinned, write

ELSEWHERE = {"colorama", "httpx2-jsfetch"}
"""For other systems only: nothing here knows their licences."""


def test_it_has_every_package_that_is_installed(tmp_path: Path):
    """With its version, its package URL and its licence, and our program as what they belong to."""
    write(tmp_path / "sbom.json")
    document = json.loads((tmp_path / "sbom.json").read_text())
    program, components = document["metadata"]["component"], document["components"]

    assert (program["name"], program["version"]) == ("seven-ingest", version("seven-ingest"))
    assert {each["name"]: each["version"] for each in components} == pinned()
    assert all(each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}" for each in components)
    assert {each["name"] for each in components if not each.get("licenses")} <= ELSEWHERE


def test_it_is_valid(tmp_path: Path):
    """By the schema of CycloneDX."""
    pytest.importorskip("jsonschema", reason="of requirements/deploy.txt")
    write(tmp_path / "sbom.json")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str((tmp_path / "sbom.json").read_text()) is None

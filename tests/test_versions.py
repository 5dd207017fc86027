"""Versions stand in docs/versions.md alone: whatever repeats one says the same."""

import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from operations.checks.database import OLDEST_POSTGRESQL
from operations.checks.redis_server import OLDEST
from tests.deploy.test_kubernetes_schemas import VERSIONS
from tests.processes import ROOT
from tests.test_docs import PAGES
from tests.versions import matrices, supported

TABLE = supported()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
NUMBER = r"(\d+(?:\.\d+)*)"
PROMISES = [
    rf"({'|'.join(TABLE)}),? {promise}" for promise in (rf"{NUMBER} or newer", rf"from {NUMBER} on", rf"≥ {NUMBER}")
]
IMAGE = re.compile(r"^\s*(?:image:|FROM) +(?:prom/)?(python|redis|postgres|prometheus):v?([\d.]+)", re.MULTILINE)
SOFTWARE = {"python": "Python", "redis": "Redis", "postgres": "PostgreSQL", "prometheus": "Prometheus"}


def test_packaging_has_the_same_python():
    """What pip refuses, what classifiers name, and what linter and type checker assume."""
    python = TABLE["Python"]
    named = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if ":: Python :: 3" in line]

    assert PROJECT["project"]["requires-python"] == f">={python.oldest}"
    assert tuple(named) == python.tested
    assert PROJECT["tool"]["ruff"]["target-version"] == "py" + python.oldest.replace(".", "")
    assert PROJECT["tool"]["mypy"]["python_version"] == python.oldest
    makefile = (ROOT / "Makefile").read_text()
    assert f"--python-version {python.oldest} " in makefile
    assert f"sys.version_info < ({python.oldest.replace('.', ', ')})" in makefile


def test_ci_reads_the_table():
    """The matrices of its jobs are the table's, and nothing else names a version there."""
    jobs = WORKFLOW["jobs"]
    matrix = {
        name: values for job in jobs.values() for name, values in job.get("strategy", {}).get("matrix", {}).items()
    }

    assert matrix == {
        "python": "${{ fromJSON(needs.versions.outputs.python) }}",
        "image": "${{ fromJSON(needs.versions.outputs.images) }}",
    }
    assert set(jobs["versions"]["outputs"]) == set(matrices())
    assert matrices()["images"][0] == f"redis:{TABLE['Redis'].tested[0]}"


def test_the_workflow_is_valid():
    """By the schema of GitHub's workflows, since nothing here runs it."""
    schema = ["--builtin-schema", "vendor.github-workflows", ".github/workflows/check.yml"]
    subprocess.run([sys.executable, "-m", "check_jsonschema", *schema], cwd=ROOT, check=True)


def test_the_oldest_is_tested():
    """Each row that has tested versions begins with the oldest that works."""
    for name, row in TABLE.items():
        if row.tested:
            assert row.oldest in (row.tested[0], f"{row.tested[0]}.0"), name
        assert not row.deployed or not row.tested or row.deployed in row.tested, name


@pytest.mark.parametrize(
    "file",
    [
        "docker-compose.yml",
        "deploy/Dockerfile",
        "deploy/kubernetes/servers/redis.yaml",
        "deploy/kubernetes/servers/postgres.yaml",
    ],
)
def test_images_are_of_the_deployed_version(file: str):
    """Compose file, Dockerfiles and manifests take the same version of the same server."""
    images = IMAGE.findall((ROOT / file).read_text())

    assert images
    assert {(name, version) for name, version in images} == {
        (name, TABLE[SOFTWARE[name]].deployed) for name, _ in images
    }


def test_doctor_judges_by_the_table():
    """An older server is a finding."""
    assert {name: (int(float(TABLE[name.capitalize()].oldest)),) for name in OLDEST} == OLDEST
    assert int(TABLE["PostgreSQL"].oldest) * 10_000 == OLDEST_POSTGRESQL


def test_manifests_are_validated_for_the_table():
    """Schemas of each version of Kubernetes, the oldest first."""
    assert TABLE["Kubernetes"].tested == VERSIONS


def test_pages_promise_the_same():
    """Where a page says "or newer", it says what the table says."""
    promises = [
        (page.name, name, version)
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for promise in PROMISES
        for name, version in re.findall(promise, page.read_text())
    ]

    assert len(promises) > 5
    for page, name, version in promises:
        row = TABLE[name]
        assert version == row.oldest or version in row.how.replace(";", " ").split(), (page, name, version)

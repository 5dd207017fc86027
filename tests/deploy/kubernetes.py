"""deploy/kubernetes, configured from a `.env`, as `kubectl apply -k` sends it."""

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.test_setup import GOOD, ROOT
from tests.deploy.tools import tool

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SETTINGS: frozenset[str] = runpy.run_path(str(ROOT / "deploy/kubernetes/configure.py"))["SETTINGS"]
"""What the ConfigMap may have."""
OVERLAYS = ("small", "managed")

Document = dict[str, Any]


class Installation:
    """A copy of the manifests, and the `.env` beside them."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.env = directory / "deploy/kubernetes", directory / ".env"
        for part in ("kubernetes", "grafana/dashboards"):
            ignored = shutil.ignore_patterns("config")
            shutil.copytree(ROOT / "deploy" / part, directory / "deploy" / part, ignore=ignored)
        shutil.copy(ROOT / "deploy/setup.py", directory / "deploy")

    def configure(self, values: Mapping[str, str] = GOOD, *more: str) -> "subprocess.CompletedProcess[str]":
        """Run configure.py with these values in `.env`."""
        lines = [f"{name}={json.dumps(value) if chr(10) in value else value}\n" for name, value in values.items()]
        self.env.write_text("".join(lines))
        command = [sys.executable, str(self.directory / "configure.py"), str(self.env), *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def start_reactions(self) -> None:
        """Uncomment the line of `managed` that scales dispatchers."""
        overlay = self.directory / "overlays/managed/kustomization.yaml"
        before = overlay.read_text()
        overlay.write_text(before.replace("# - ../../scaling/reactions", "- ../../scaling/reactions"))
        assert overlay.read_text() != before

    def use_users(self) -> None:
        """Uncomment the lines of both overlays that give each process users of its own."""
        for name, comment in (("small", "#   - ../../users"), ("managed", "  # - ../../users")):
            overlay = self.directory / "overlays" / name / "kustomization.yaml"
            before = overlay.read_text()
            overlay.write_text(before.replace("# components:", "components:").replace(comment, "  - ../../users"))
            assert overlay.read_text().count("\n  - ../../users") == 1

    def render(self, overlay: str) -> list[Document]:
        """The objects of an overlay. Skips the test without kubectl."""
        kubectl = tool(str(Path(sys.executable).with_name("kubectl")), "kubectl")
        command = [kubectl, "kustomize", str(self.directory / "overlays" / overlay)]
        rendered = subprocess.run(command, capture_output=True, text=True, check=False)
        assert rendered.returncode == 0, rendered.stderr
        return [document for document in yaml.load_all(rendered.stdout, LOADER) if document]


def select(documents: list[Document], kind: str) -> dict[str, Document]:
    """The objects of a kind, by name."""
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pod(document: Document) -> Document:
    """The pod that a Deployment, StatefulSet or Job makes."""
    template: Document = document["spec"]["template"]
    return template


def container(document: Document) -> Document:
    """Its only container, but for those that run before."""
    containers: list[Document] = pod(document)["spec"]["containers"]
    (only,) = containers
    return only


def environment(document: Document) -> dict[str, str]:
    """What the manifest itself sets for it."""
    return {variable["name"]: variable["value"] for variable in container(document).get("env", ())}


def mounted_secret(document: Document) -> str:
    """The name of the Secret at /run/secrets, as it is written in the manifest: without the hash of its content."""
    volumes = {volume["name"]: volume for volume in pod(document)["spec"]["volumes"]}
    name: str = volumes["secrets"]["secret"]["secretName"]
    return name.rpartition("-")[0]

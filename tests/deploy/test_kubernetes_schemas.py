"""deploy/kubernetes fits the schemas of several versions of Kubernetes, of KEDA and of the Prometheus operator."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import manifests
from tests.deploy.kubernetes import OVERLAYS, Document, Installation, select
from tests.deploy.test_setup import GOOD
from tests.deploy.tools import module
from tests.extent import thorough
from tests.processes import ROOT
from tests.versions import supported

VERSIONS = supported()["Kubernetes"].tested
"""The oldest that README.md promises, and the three that the Kubernetes project maintains when this is written."""
MODELS = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}
"""Custom resources, and modules with a model for each of their kinds."""


@pytest.fixture(scope="module")
def validate() -> Callable[..., None]:
    validator: Callable[..., None] = module("kubernetes_validate").validate
    return validator


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_objects_fit_the_schemas(
    overlays: dict[str, list[Document]], validate: Callable[..., None], overlay: str, version: str
):
    """Every object of Kubernetes' own kinds, strictly: a field that the version does not know is a fault."""
    own = [document for document in overlays[overlay] if document["apiVersion"] not in MODELS]
    assert len(own) > 30

    for document in own:
        validate(document, version, strict=True)


def test_what_users_add_fits_the_schemas(tmp_path: Path, validate: Callable[..., None]):
    """The component that both overlays can take: a CronJob, and other Secrets."""
    installation = Installation(tmp_path)
    installation.use_users()
    assert installation.configure(GOOD, "users").returncode == 0
    documents = installation.render("small")
    for version in VERSIONS:
        for document in (*select(documents, "CronJob").values(), *select(documents, "Job").values()):
            validate(document, version, strict=True)


def test_an_unknown_field_is_a_fault(overlays: dict[str, list[Document]], validate: Callable[..., None]):
    """The schemas are strict, so a misspelt field would be noticed."""
    (budget, *_) = select(overlays["small"], "PodDisruptionBudget").values()
    misspelt = budget | {"spec": budget["spec"] | {"maxUnavailible": 1}}

    with pytest.raises(Exception, match="maxUnavailible"):
        validate(misspelt, VERSIONS[-1], strict=True)


@thorough  # importing the models takes ten seconds
def test_custom_resources_fit_their_models(overlays: dict[str, list[Document]]):
    """What a model reads is what was written: a field that it does not know would be lost."""
    custom = [document for document in overlays["managed"] if document["apiVersion"] in MODELS]
    assert {document["kind"] for document in custom} == {"ScaledObject", "ServiceMonitor", "PrometheusRule"}

    for document in custom:
        assert reread(document) == document
    misspelt = custom[0] | {"spec": custom[0]["spec"] | {"minReplicaCuont": 1}}
    assert reread(misspelt) != misspelt


def reread(document: Document) -> Any:
    """The document as its model has it. Raises ValidationError where it does not fit."""
    module("cloudcoil")
    model = getattr(importlib.import_module(MODELS[document["apiVersion"]]), document["kind"])
    return model.model_validate(document).model_dump(mode="json", by_alias=True, exclude_unset=True)


def test_what_is_made_of_other_files_is_renewed():
    """`make manifests` has run since rules or redis.conf changed."""
    for file, content in manifests.made().items():
        assert file.read_text() == content


def test_rules_and_dashboards_are_those_of_compose(overlays: dict[str, list[Document]]):
    """In the cluster each is there once and whole, every group of rules, every panel; but for one alert (test_kubernetes_rules)."""
    (rule,) = select(overlays["managed"], "PrometheusRule").values()
    maps = select(overlays["managed"], "ConfigMap")

    files = [
        yaml.safe_load((ROOT / "deploy/prometheus" / name).read_text())
        for name in ("recording.yml", "alerts.yml", "objectives.yml")
    ]
    groups = [group for file in files for group in file["groups"]]
    assert [group["name"] for group in rule["spec"]["groups"]] == [group["name"] for group in groups]
    of_compose, here = (
        [each for group in made for each in group["rules"]] for made in (groups, rule["spec"]["groups"])
    )
    assert [mine["alert"] for mine, other in zip(here, of_compose, strict=True) if mine != other] == ["ReplicaGone"]
    names = {file.name: file.read_text() for file in (ROOT / "deploy/grafana/dashboards").glob("*.json")}
    boards = {name: text for document in maps.values() for name, text in document["data"].items() if name in names}
    assert boards == names

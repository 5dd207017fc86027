"""Manifests made of other files: the rules of Prometheus, and Redis' configuration. `make manifests` renews them.

Kustomize reads no file outside of the directory that names it, and rules have to be an object of the operator's.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.processes import ROOT

RULES = ("recording.yml", "alerts.yml", "objectives.yml")
KUBERNETES, PROMETHEUS = ROOT / "deploy/kubernetes", ROOT / "deploy/prometheus"


def without_numbers(rule: dict[str, Any]) -> dict[str, Any]:
    """ReplicaGone by dead targets alone: autoscalers change the number of pods, and a dead pod stays a target."""
    if rule.get("alert") != "ReplicaGone":
        return rule
    targets, separator, _ = rule["expr"].partition(" or (count by (job)")
    description, hint, _ = rule["annotations"]["description"].partition(" If you scaled down")
    assert separator
    assert hint
    return rule | {"expr": targets, "annotations": rule["annotations"] | {"description": description}}


def prometheus_rule() -> str:
    """The groups of all rules, in one PrometheusRule."""
    groups = [group for name in RULES for group in yaml.safe_load((PROMETHEUS / name).read_text())["groups"]]
    groups = [group | {"rules": [without_numbers(rule) for rule in group["rules"]]} for group in groups]
    document: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "seven-ingest"},
        "spec": {"groups": groups},
    }
    return "# Written by `make manifests` from deploy/prometheus.\n" + yaml.safe_dump(
        document, sort_keys=False, width=120
    )


def made() -> dict[Path, str]:
    """Each file that is made, and its content."""
    return {
        KUBERNETES / "monitoring/rules.yaml": prometheus_rule(),
        KUBERNETES / "servers/redis.conf": (ROOT / "deploy/redis.conf").read_text(),
    }


if __name__ == "__main__":
    for file, content in made().items():
        file.write_text(content)

"""deploy/kubernetes: what a pod may do, whom it reaches, and who reaches it."""

from pathlib import Path

import pytest

from tests.deploy.kubernetes import OVERLAYS, Document, Installation, pod, select
from tests.deploy.test_compose import SERVICES

PODS = ("Deployment", "StatefulSet", "Job")
COMPONENTS = {"ingest": "receiver", "reactions": "dispatcher"}
"""Pods are labelled by what they are in the rules of Prometheus."""


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest, overlays: dict[str, list[Document]]) -> list[Document]:
    """The objects of each overlay in turn."""
    return overlays[request.param]


def pods(documents: list[Document]) -> dict[str, Document]:
    return {name: pod(document) for kind in PODS for name, document in select(documents, kind).items()}


def test_pods_have_no_privileges(documents: list[Document]):
    """As Pod Security's level `restricted` requires, which the namespace enforces; and a root that nobody writes to."""
    (namespace,) = select(documents, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    for template in pods(documents).values():
        spec = template["spec"]
        context = spec["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"] > 0) == (True, True)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(spec)
        assert not [volume for volume in spec["volumes"] if "hostPath" in volume]


def test_pods_get_neither_a_token_nor_addresses(documents: list[Document]):
    """No token of the API server; and no FLOWER_PORT=tcp://…, which Kubernetes would set for a Service of that name."""
    for template in pods(documents).values():
        assert template["spec"]["automountServiceAccountToken"] is False
        assert template["spec"]["enableServiceLinks"] is False


def selected(policy: Document) -> set[str]:
    """The components that a policy is for; everyone without a selector."""
    return components(policy["spec"]["podSelector"])


def components(selector: Document) -> set[str]:
    labels = selector.get("matchLabels", {})
    if "app.kubernetes.io/component" in labels:
        return {labels["app.kubernetes.io/component"]}
    return {value for expression in selector.get("matchExpressions", ()) for value in expression["values"]}


def test_nobody_connects_without_a_policy(documents: list[Document]):
    """One policy is for every pod of the namespace, and allows nothing."""
    policy = select(documents, "NetworkPolicy")["nothing-else"]["spec"]

    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_those_reach_the_outside_that_do_in_compose(documents: list[Document]):
    """The gateway and targets: for processes that have the network `outside`. Migrations are for servers elsewhere."""
    policy = select(documents, "NetworkPolicy")["outside"]
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", ())}

    assert selected(policy) == {COMPONENTS.get(name, name) for name in outside - {"migrate", "proxy", "prometheus"}}


def test_servers_reach_nobody(documents: list[Document]):
    """Redis and PostgreSQL in the cluster accept connections of our processes alone, and make none; not even for a name."""
    policies = select(documents, "NetworkPolicy")
    if "to-servers" not in policies:
        assert not select(documents, "StatefulSet")
        return

    policy = policies["to-servers"]["spec"]
    assert selected(policies["to-servers"]) == {"redis", "postgres"} == set(select(documents, "StatefulSet"))
    assert ("Egress" in policy["policyTypes"], "egress" in policy) == (True, False)
    ours = {"app.kubernetes.io/part-of": "seven-ingest"}
    assert [source["podSelector"]["matchLabels"] for rule in policy["ingress"] for source in rule["from"]] == [ours]
    every = pods(documents)
    assert {name for name, template in every.items() if ours.items() <= template["metadata"]["labels"].items()} == {
        *every.keys() - {"redis", "postgres"}
    }


def test_flower_is_reached_by_commands_alone(documents: list[Document]):
    """It answers some addresses without a password, which compose's proxy hides."""
    policies = select(documents, "NetworkPolicy")
    (rule,) = policies["to-flower"]["spec"]["ingress"]

    assert [components(source["podSelector"]) for source in rule["from"]] == [{"cli"}]


def test_the_ingress_publishes_hooks_alone(documents: list[Document]):
    """Neither Flower nor the console, and of the receiver not its probes; everything over TLS."""
    (ingress,) = select(documents, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]

    assert [(path["path"], path["backend"]["service"]["name"]) for path in rule["http"]["paths"]] == [
        ("/hooks/", "ingest")
    ]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]


def test_secrets_are_files(documents: list[Document]):
    """Nothing secret is in an environment, which every `kubectl describe` shows."""
    for template in pods(documents).values():
        for container in template["spec"]["containers"]:
            assert not [variable for variable in container.get("env", ()) if "valueFrom" in variable]
            assert not [source for source in container.get("envFrom", ()) if "secretRef" in source]


def test_what_is_laid_out_is_for_its_owner_alone(tmp_path: Path):
    """The directory, which has all secrets, and git leaves it out."""
    installation = Installation(tmp_path)
    installation.configure()
    config = installation.directory / "config"

    assert config.stat().st_mode & 0o077 == 0
    assert "deploy/kubernetes/config/" in (Path(__file__).parents[2] / ".gitignore").read_text().split()

"""deploy/kubernetes: what a pod may do, and which secrets it sees how."""

from pathlib import Path

import pytest

from tests.deploy.kubernetes import OVERLAYS, Document, Installation, pod, select

PODS = ("Deployment", "StatefulSet", "Job")


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


def test_the_ingress_publishes_hooks_alone(documents: list[Document]):
    """Neither Flower nor the console, and of the receiver not its probes; everything over TLS."""
    (ingress,) = select(documents, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]

    assert [(path["path"], path["backend"]["service"]["name"]) for path in rule["http"]["paths"]] == [
        ("/hooks/", "ingest")
    ]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]


def test_the_ingress_names_its_class(documents: list[Document]):
    """Without a name ingress-nginx takes none but where its class is the default, and GKE's controller takes it."""
    (ingress,) = select(documents, "Ingress").values()
    page = (Path(__file__).parents[2] / "deploy/kubernetes/README.md").read_text()

    assert ingress["spec"]["ingressClassName"] == "nginx"
    (secret,) = {entry["secretName"] for entry in ingress["spec"]["tls"]}
    assert "`kubectl get ingressclass`" in page
    assert f"kubectl create secret tls {secret}" in page


def test_secrets_are_files(documents: list[Document]):
    """Nothing secret is in an environment, which every `kubectl describe` shows."""
    for template in pods(documents).values():
        for container in template["spec"]["containers"]:
            assert not [variable for variable in container.get("env", ()) if "valueFrom" in variable]
            assert not [source for source in container.get("envFrom", ()) if "secretRef" in source]


def test_every_process_can_verify_a_server(documents: list[Document]):
    """Certificates of an operator's own authorities are where each of our processes reads its URLs; nobody needs them."""
    for template in pods(documents).values():
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        if "authorities" not in volumes:
            assert template["metadata"]["labels"]["app.kubernetes.io/component"] in ("redis", "postgres")
            continue
        assert volumes["authorities"] == {"name": "authorities", "configMap": {"name": "authorities", "optional": True}}
        for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", ())]:
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounts["authorities"] == "/etc/seven/authorities"


def test_managed_needs_no_storage(overlays: dict[str, list[Document]]):
    """Its servers are elsewhere, and what Flower remembers of tasks may end with its pod; `small` keeps it."""
    claimed = {overlay: sorted(select(overlays[overlay], "PersistentVolumeClaim")) for overlay in OVERLAYS}
    assert claimed == {"small": ["flower"], "managed": []}
    assert "persistentVolumeClaim" not in str(overlays["managed"])
    assert "volumeClaimTemplates" not in str(overlays["managed"])

    (volume,) = [each for each in pods(overlays["managed"])["flower"]["spec"]["volumes"] if each["name"] == "flower"]
    assert volume == {"name": "flower", "emptyDir": {"sizeLimit": "1Gi"}}


def test_what_is_laid_out_is_for_its_owner_alone(tmp_path: Path):
    """The directory, which has all secrets, and git leaves it out."""
    installation = Installation(tmp_path)
    installation.configure()
    config = installation.directory / "config"

    assert config.stat().st_mode & 0o077 == 0
    assert "deploy/kubernetes/config/" in (Path(__file__).parents[2] / ".gitignore").read_text().split()

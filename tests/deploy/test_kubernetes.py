"""deploy/kubernetes: every process, port, setting, secret and probe of docker-compose.yml has its twin, and no more rights."""

import re

import pytest
import yaml

from runtime.settings.receiver import ReceiverSettings
from runtime.settings.registry import secret_names
from runtime.shutdown import DRAIN_DEADLINE_S
from tests.deploy.kubernetes import (
    SETTINGS,
    Document,
    container,
    environment,
    mounted_secret,
    pod,
    select,
)
from tests.deploy.test_compose import OURS, ROOT, SERVICES, needed_settings

PROCESSES = ("ingest", "worker", "beat", "reactions", "flower", "console")
SERVERS = ("redis", "postgres")
ELSEWHERE = {"check", "setup", "proxy", "prometheus"}
"""configure.py twice; the Ingress; the ServiceMonitor."""
(LONGEST_LINGER_S,) = [at.le for at in ReceiverSettings.model_fields["seven_linger_s"].metadata if hasattr(at, "le")]
UNITS = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "": 1.0}


@pytest.fixture
def pods(overlays: dict[str, list[Document]]) -> dict[str, Document]:
    """What makes pods, by name."""
    kinds = ("Deployment", "StatefulSet", "Job")
    return {name: document for kind in kinds for name, document in select(overlays["small"], kind).items()}


def quantity(text: str) -> float:
    """A quantity of Kubernetes'."""
    match = re.fullmatch(r"([\d.]+)([A-Za-z]*)", text)
    assert match
    return float(match[1]) * UNITS[match[2]]


def compose_bytes(text: str) -> float:
    """A quantity of compose's: its units are powers of two."""
    return float(text[:-1]) * {"m": 2**20, "g": 2**30}[text[-1]]


def words(command: str | list[str]) -> str:
    """A command as one line; a shell that only makes the name of a worker does not count."""
    line = command if isinstance(command, str) else " ".join(command)
    return re.sub(r"^sh -c .* exec ", "", line)


def test_every_service_has_its_twin(pods: dict[str, Document]):
    """Each service is something that makes pods, or is what ELSEWHERE says."""
    assert set(pods) == set(SERVICES) - ELSEWHERE


@pytest.mark.parametrize("name", [*PROCESSES, "migrate"])
def test_the_same_command_runs(pods: dict[str, Document], name: str):
    """But for the names of workers, of which a pod has one of its own, and for the host: pods may have no IPv4."""
    command = re.sub(r"(worker|dispatcher)@%h", '"$$name"', " ".join(container(pods[name])["command"]))

    assert command == words(SERVICES[name]["command"]).replace("0.0.0.0", "")


@pytest.mark.parametrize("name", [*PROCESSES, "migrate", "cli"])
def test_every_setting_and_secret_has_its_twin(pods: dict[str, Document], name: str):
    """What compose sets itself, the manifest sets to the same; the rest may come by the ConfigMap, which all share."""
    mine = environment(pods[name])
    names = {
        "SEVEN_OPT_OUT_WORDS_FILE",
        "INGEST_REPLICAS",
        "WORKER_REPLICAS",
    }  # by the ConfigMap; of compose's own `up`
    expected = {
        key: str(value).replace("//ingest:", "//receivers:").replace("0.0.0.0:", "[::]:")
        for key, value in SERVICES[name]["environment"].items()
        if value is not None and "${" not in str(value) and key not in names
    }

    assert mine == expected
    assert container(pods[name])["envFrom"][0]["configMapRef"]["name"].startswith("settings-")


@pytest.mark.parametrize("name", [*PROCESSES, "migrate", "cli", *SERVERS])
def test_a_pod_sees_the_secrets_of_its_service(
    pods: dict[str, Document], overlays: dict[str, list[Document]], name: str
):
    """The same files at the same paths, and those of no other: a file that a setting names is there."""
    (volume,) = [text for text in SERVICES[name]["volumes"] if "-secrets:" in text]

    assert f"{mounted_secret(pods[name])}-secrets:/run/secrets:ro" == volume
    secrets = {secret.rpartition("-")[0]: document for secret, document in select(overlays["small"], "Secret").items()}
    named = set(re.findall(r"/run/secrets/([\w.]+)", yaml.safe_dump(pods[name])))
    assert named <= set(secrets[mounted_secret(pods[name])]["data"])


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_its_process(pods: dict[str, Document], name: str):
    """From `.env` by the ConfigMap, from a secret's file, or from the manifest; no secret is in the ConfigMap."""
    variables = environment(pods[name]).keys()
    itself = variables | {variable.removesuffix("_FILE") for variable in variables}

    assert needed_settings(name) <= itself | SETTINGS
    assert not SETTINGS & secret_names()


def port_numbers(document: Document) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(document).get("ports", ())}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_port_and_probe_has_its_twin(pods: dict[str, Document], name: str):
    """Ready means what healthy means; metrics are where Prometheus looks."""
    service, document = SERVICES[name], pods[name]
    ports = port_numbers(document)
    address, _, path = service["healthcheck"]["test"][-1].partition("/")
    probe = container(document)["readinessProbe"]

    assert (probe["httpGet"]["path"], ports[probe["httpGet"]["port"]]) == (f"/{path}", int(address))
    assert f"{probe['periodSeconds']}s" == service["healthcheck"]["interval"]
    assert f"{probe['timeoutSeconds']}s" == service["healthcheck"]["timeout"]
    assert probe.get("failureThreshold", 3) == service["healthcheck"]["retries"]
    listened = re.findall(r"--port (\d+)", words(service["command"]))
    listened += re.findall(r":(\d+)$", service["environment"].get("SEVEN_METRICS_ADDRESS", ""))
    assert {str(port) for port in ports.values()} == {*listened, address}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_restarted_only_when_it_is_not_alive(pods: dict[str, Document], name: str):
    """Not when Redis or the database is away: that is for readiness, if anything. It has as long to start as in compose."""
    probe = container(pods[name])["livenessProbe"]

    assert probe["httpGet"]["path"] in ("/livez", "/healthcheck")
    assert f"{probe['initialDelaySeconds']}s" == SERVICES[name]["healthcheck"]["start_period"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_probed_as_in_compose(pods: dict[str, Document], name: str):
    """By the same command, as often; and it is never killed while it reads what it has."""
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    probe = container(pods[name])["readinessProbe"]

    expected = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
    assert probe["exec"]["command"] == [word.replace("$$", "$") for word in expected]
    assert "livenessProbe" not in container(pods[name])


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_runs_as_in_compose(pods: dict[str, Document], name: str):
    """The same image, arguments and variables, reached by the same name; only PostgreSQL's directory has another one in it."""
    service, spec = SERVICES[name], container(pods[name])

    assert (spec["image"], spec["args"]) == (service["image"], service["command"][1:])
    assert {key: value for key, value in environment(pods[name]).items() if key != "PGDATA"} == service.get(
        "environment", {}
    )


@pytest.mark.parametrize("name", [*PROCESSES, *SERVERS])
def test_limits_are_those_of_compose(pods: dict[str, Document], name: str):
    """And requests are below them."""
    limits, (requested, allowed) = SERVICES[name]["deploy"]["resources"]["limits"], resources(pods[name])

    assert allowed["cpu"] == float(limits["cpus"])
    assert allowed["memory"] == compose_bytes(limits["memory"])
    assert all(requested[key] <= allowed[key] for key in allowed)


def resources(document: Document) -> tuple[dict[str, float], dict[str, float]]:
    """Requests and limits, in cores and bytes."""
    given = container(document)["resources"]
    requested, allowed = ({key: quantity(text) for key, text in given[part].items()} for part in ("requests", "limits"))
    return requested, allowed


@pytest.mark.parametrize("name", [*PROCESSES, *SERVERS])
def test_nothing_is_killed_while_it_drains(pods: dict[str, Document], name: str):
    """As long as in compose; a receiver lingers before, as long as `.env` may say, until balancers have forgotten it."""
    grace = pod(pods[name])["spec"].get("terminationGracePeriodSeconds", 30)
    compose = SERVICES[name]["stop_grace_period"]
    lingers = LONGEST_LINGER_S if name == "ingest" else 0

    assert grace >= int(compose[:-1]) * {"s": 1, "m": 60}[compose[-1]] > lingers + DRAIN_DEADLINE_S


def test_what_compose_starts_on_request_has_no_pod(pods: dict[str, Document]):
    """A profile of a long-running service is a number of replicas that an overlay raises."""
    replicas = {name: document["spec"].get("replicas", 1) for name, document in pods.items()}

    on_request = {name for name in PROCESSES if "profiles" in SERVICES[name]}
    assert {name for name, number in replicas.items() if number == 0} == on_request
    assert replicas["ingest"] == 2


def test_a_rollout_waits_for_pods_that_are_ready(pods: dict[str, Document]):
    """A new pod with a fault ends no old one; only what may not run beside an older one is replaced at once."""
    strategies = {name: pods[name]["spec"]["strategy"] for name in PROCESSES}

    at_once = {name for name, strategy in strategies.items() if strategy == {"type": "Recreate"}}
    assert at_once == {"beat", "flower", "reactions"}
    rolling = [strategy["rollingUpdate"] for strategy in strategies.values() if "rollingUpdate" in strategy]
    assert rolling == [{"maxSurge": 1, "maxUnavailable": 0}] * 3


def test_receivers_can_be_upgraded_last(overlays: dict[str, list[Document]]):
    """By the label that README.md names for it, which nothing else has."""
    label = "app.kubernetes.io/component"
    labelled = {
        (document["kind"], document["metadata"]["name"])
        for document in overlays["small"]
        if document["metadata"].get("labels", {}).get(label) == "receiver"
    }

    assert labelled == {("Deployment", "ingest")}
    assert f"-l {label}!=receiver" in (ROOT / "deploy/kubernetes/README.md").read_text()


def test_receivers_can_have_new_settings_first(overlays: dict[str, list[Document]]):
    """By the selector of README.md, which takes along what has no component: their ConfigMap and Secret."""
    page = (ROOT / "deploy/kubernetes/README.md").read_text()
    (listed,) = re.findall(r"-l 'app\.kubernetes\.io/component notin \(([\w,]+)\)'", page)
    others = listed.split(",")
    labels = [document["metadata"].get("labels", {}) for document in overlays["small"]]
    chosen = [
        document
        for document, own in zip(overlays["small"], labels, strict=True)
        if own.get("app.kubernetes.io/component") not in others
    ]

    assert list(select(chosen, "Deployment")) == ["ingest"]
    assert not select(chosen, "Job")
    for kind in ("Secret", "ConfigMap", "Service", "NetworkPolicy"):
        assert select(chosen, kind) == select(overlays["small"], kind)


def test_the_page_names_what_there_is(overlays: dict[str, list[Document]]):
    """Every object that a command of README.md names is in an overlay, and compose's table names every service."""
    page = (ROOT / "deploy/kubernetes/README.md").read_text()
    named = re.findall(r"\b(deployment|statefulset|service|job)[/ ](?!NAME)([a-z]+)\b", page)
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet", "service": "Service", "job": "Job"}

    assert len(named) > 10
    assert not [name for kind, name in named if name not in select(overlays["small"], kinds[kind])]
    rows = " ".join(row for row in page.splitlines() if row.startswith("| `"))
    assert set(SERVICES) <= set(re.findall(r"`(\w+)`", rows))

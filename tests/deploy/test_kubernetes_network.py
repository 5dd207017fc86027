"""deploy/kubernetes: each process reaches what its settings name, and nothing that it does not reach in compose."""

from itertools import product
from urllib.parse import urlsplit

import pytest

from tests.deploy.kubernetes import OVERLAYS, Document, container, environment, pod, select
from tests.deploy.network_policies import Pod, Policies, matches
from tests.deploy.test_compose import SERVICES

KINDS = ("Deployment", "StatefulSet", "Job")
FRONT, MONITORING = {"seven-ingest/front": "true"}, {"seven-ingest/monitoring": "true"}
SERVERS = {
    "REDIS_URL_FILE": ("redis", 6379),
    "DATABASE_URL_FILE": ("postgres", 5432),
    "SEVEN_READER_URL_FILE": ("postgres", 5432),
}
"""Where these settings lead with servers in the cluster, as setup.py writes them."""


def pods(documents: list[Document]) -> dict[str, Pod]:
    made = {name: document for kind in KINDS for name, document in select(documents, kind).items()}
    return {
        name: Pod(
            pod(document)["metadata"]["labels"],
            {port["name"]: port["containerPort"] for port in container(document).get("ports", ())},
        )
        for name, document in made.items()
    }


def policies(documents: list[Document]) -> Policies:
    return Policies(list(select(documents, "NetworkPolicy").values()))


def needed(documents: list[Document]) -> set[tuple[str, str, int]]:
    """Source, target and port of each connection that a setting is for."""
    made = select(documents, "Deployment") | select(documents, "Job")
    services = {"receivers": "ingest", "flower": "flower"}
    connections = set()
    for name, document in made.items():
        for setting, value in environment(document).items():
            if setting in SERVERS:
                connections.add((name, *SERVERS[setting]))
            elif value.startswith("http://"):
                url = urlsplit(value)
                assert url.hostname
                assert url.port
                connections.add((name, services[url.hostname], url.port))
    return connections


def test_every_process_reaches_what_its_settings_name(overlays: dict[str, list[Document]]):
    """With servers in the cluster; and nobody else reaches anything: the ports of metrics are for Prometheus."""
    documents = overlays["small"]
    every = pods(documents)
    allow = policies(documents).allow

    allowed = {
        (source, target, port)
        for source, target in product(every, every)
        for port in every[target].ports.values()
        if allow(every[source], every[target], port)
    }
    assert needed(documents) <= allowed
    # Redis and PostgreSQL share a policy, so each client of one may try the other; compose has it the same way.
    assert {(source, target) for source, target, _ in allowed - needed(documents)} <= {
        *product(every.keys() - {"redis", "postgres"}, ("redis", "postgres"))
    }


def test_nothing_is_reached_that_is_not_in_compose(overlays: dict[str, list[Document]]):
    """Where two pods may connect, their services share a network."""
    documents = overlays["small"]
    every = pods(documents)
    networks = {name: set(SERVICES[name]["networks"]) for name in every}

    for source, target in product(every, every):
        for port in every[target].ports.values():
            if policies(documents).allow(every[source], every[target], port):
                assert networks[source] & networks[target]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_other_namespaces_reach_what_they_are_labelled_for(overlays: dict[str, list[Document]], overlay: str):
    """An ingress controller the receiver and the console, a Prometheus all metrics, others nothing."""
    every = pods(overlays[overlay])
    allow_from = policies(overlays[overlay]).allow_from

    def reached(namespace: dict[str, str]) -> set[tuple[str, str]]:
        return {
            (name, port)
            for name, at in every.items()
            for port, number in at.ports.items()
            if allow_from(namespace, at, number)
        }

    assert reached(FRONT) == {("ingest", "http"), ("console", "http")}
    assert reached(MONITORING) == {(name, "metrics") for name, at in every.items() if "metrics" in at.ports}
    assert reached({"kubernetes.io/metadata.name": "default"}) == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_front_reaches_what_answers_for_a_certificate(overlays: dict[str, list[Document]], overlay: str):
    """The pod that cert-manager starts beside the Ingress for HTTP-01; it reaches nothing."""
    solver = Pod({"acme.cert-manager.io/http01-solver": "true"}, {"http": 8089})
    at = policies(overlays[overlay])

    assert at.allow_from(FRONT, solver, 8089)
    assert not at.allow_from(FRONT, solver, 8000)
    assert not at.allow_from(MONITORING, solver, 8089)
    assert not at.allow_to(solver, "203.0.113.1", 80)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_those_reach_the_outside_that_do_in_compose(overlays: dict[str, list[Document]], overlay: str):
    """The gateway and targets: for processes that have the network `outside`. A migration has it for servers elsewhere."""
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", ())}
    selector = select(overlays[overlay], "NetworkPolicy")["outside"]["spec"]["podSelector"]

    reaching = {name for name, at in pods(overlays[overlay]).items() if matches(selector, at.labels)}
    assert reaching == outside - {"migrate", "proxy", "prometheus"}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("nameserver", ["169.254.20.10", "169.254.169.254"], ids=["NodeLocal DNSCache", "Cloud DNS"])
def test_nameservers_outside_of_pods_are_reached(overlays: dict[str, list[Document]], overlay: str, nameserver: str):
    """By all but Redis and PostgreSQL. What else a cloud answers there is its metadata, with tokens of the machine."""
    every = pods(overlays[overlay])
    allow_to = policies(overlays[overlay]).allow_to

    assert {name for name, at in every.items() if allow_to(at, nameserver, 53)} == every.keys() - {"redis", "postgres"}
    assert not [name for name, at in every.items() for port in (80, 443, 988) if allow_to(at, nameserver, port)]
    assert {name for name, at in every.items() if allow_to(at, "203.0.113.1", 80)} == {"worker", "reactions", "cli"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_servers_reach_nobody(overlays: dict[str, list[Document]], overlay: str):
    """No policy lets Redis or PostgreSQL in the cluster out, not even for a name; all others may ask for names."""
    every = pods(overlays[overlay])
    leaving = [
        spec
        for document in select(overlays[overlay], "NetworkPolicy").values()
        if (spec := document["spec"]).get("egress")
    ]

    let_out = {name for name, at in every.items() if any(matches(spec["podSelector"], at.labels) for spec in leaving)}
    assert let_out == every.keys() - {"redis", "postgres"}
    (everyone,) = [
        spec
        for document in select(overlays[overlay], "NetworkPolicy").values()
        if (spec := document["spec"])["podSelector"] == {}
    ]
    assert everyone == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_servers_elsewhere_are_reached_by_all_of_ours(overlays: dict[str, list[Document]]):
    """Their addresses and ports are in one policy of the overlay."""
    spec = select(overlays["managed"], "NetworkPolicy")["servers"]["spec"]
    (rule,) = spec["egress"]

    assert all(matches(spec["podSelector"], at.labels) for at in pods(overlays["managed"]).values())
    assert [port["port"] for port in rule["ports"]] == [6379, 5432]
    assert all("ipBlock" in peer for peer in rule["to"])

"""What NetworkPolicies allow between pods of one namespace, from other namespaces, and to addresses, by the specification."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Pod:
    """A pod: its labels, and its ports by name."""

    labels: Labels
    ports: Mapping[str, int]


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a selector, of labels and of expressions with `In`, selects what has these labels."""
    assert {expression["operator"] for expression in selector.get("matchExpressions", ())} <= {"In"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in selector.get("matchExpressions", ())
    )


def has_port(rule: Mapping[str, Any], target: Pod, port: int) -> bool:
    """Whether a rule is for a port of a pod, by number or by name; without ports it is for all."""
    names = {port, *(name for name, number in target.ports.items() if number == port)}
    return "ports" not in rule or any(listed["port"] in names for listed in rule["ports"])


def contains(block: Mapping[str, Any], address: str) -> bool:
    """Whether an address is in an `ipBlock`, and in none of its exceptions."""
    at = ip_address(address)
    return at in ip_network(block["cidr"]) and not any(at in ip_network(cidr) for cidr in block.get("except", ()))


class Policies:
    """All policies of a namespace."""

    def __init__(self, policies: list[dict[str, Any]]) -> None:
        self._specs = [policy["spec"] for policy in policies]

    def allow(self, source: Pod, target: Pod, port: int) -> bool:
        """Whether a pod may connect to a pod of its namespace."""

        def allowed(direction: str, key: str, selected: Pod, peer: Pod) -> bool:
            return any(
                has_port(rule, target, port)
                and any(matches(at["podSelector"], peer.labels) for at in rule[key] if set(at) == {"podSelector"})
                for rule in self._rules(direction, selected.labels)
            )

        return allowed("Egress", "to", source, target) and allowed("Ingress", "from", target, source)

    def allow_from(self, namespace: Labels, target: Pod, port: int) -> bool:
        """Whether pods of another namespace, with these labels, may connect to a pod."""
        return any(
            has_port(rule, target, port)
            and any(
                matches(peer["namespaceSelector"], namespace) for peer in rule["from"] if "namespaceSelector" in peer
            )
            for rule in self._rules("Ingress", target.labels)
        )

    def allow_to(self, source: Pod, address: str, port: int) -> bool:
        """Whether a pod may connect to an address outside of the cluster."""
        return any(
            ("ports" not in rule or any(listed["port"] == port for listed in rule["ports"]))
            and any(contains(peer["ipBlock"], address) for peer in rule["to"] if "ipBlock" in peer)
            for rule in self._rules("Egress", source.labels)
        )

    def _rules(self, direction: str, labels: Labels) -> Iterator[dict[str, Any]]:
        """Rules for a pod; it must be selected, since a pod that no policy selects may do everything."""
        specs = [
            spec for spec in self._specs if direction in spec["policyTypes"] and matches(spec["podSelector"], labels)
        ]
        assert specs
        for spec in specs:
            yield from spec.get(direction.lower(), ())

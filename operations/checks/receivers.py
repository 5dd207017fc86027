"""Receivers: each one behind a name, and whether it is ready."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx2

from operations.checks.check import Check, Unread, good, unknown, wrong
from operations.checks.trust import trusted
from runtime.network_errors import network_reason

PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class ReceiverAnswer:
    """A receiver's answer to /readyz; `hindrances`, its reasons, are empty when it is ready."""

    address: str
    hindrances: tuple[str, ...]


def read(url: str) -> list[ReceiverAnswer]:
    """Query each receiver that a name resolves to. Raises OSError for a name that does not resolve."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in resolved)
    if parts.scheme == "https" or len(addresses) == 1:
        return [_query(url, host)]
    return [
        _query(urlunsplit(parts._replace(netloc=f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}")), ip)
        for ip in addresses
    ]


def check(receivers: Sequence[ReceiverAnswer] | Unread) -> Check:
    """Whether all are ready."""
    name = "receiver"
    if isinstance(receivers, Unread):
        finding = f"its address does not resolve ({receivers.reason})"
        return unknown(name, finding, "see SEVEN_RECEIVER_URL in .env.example")
    ready = [receiver for receiver in receivers if not receiver.hindrances]
    if len(ready) == len(receivers):
        return good(name, "ready" if len(receivers) == 1 else f"all {len(receivers)} are ready")
    finding = "; ".join(dict.fromkeys(reason for receiver in receivers for reason in receiver.hindrances))
    if len(receivers) > 1:
        finding = f"{len(ready)} of {len(receivers)} are ready: {finding}"
    return wrong(name, finding, "start it, or look at its log: what it refuses comes again for 3.5 days")


def any_ready(receivers: Sequence[ReceiverAnswer] | Unread) -> bool:
    """Whether one of them can be reached from here, and accepts."""
    return not isinstance(receivers, Unread) and any(not receiver.hindrances for receiver in receivers)


def _query(url: str, address: str) -> ReceiverAnswer:
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/readyz", timeout=PATIENCE_S, trust_env=False, verify=trusted())
    except httpx2.HTTPError as error:
        return ReceiverAnswer(address, (f"it does not answer ({network_reason(error)})",))
    if answer.status_code == 200:
        return ReceiverAnswer(address, ())
    try:
        reasons = tuple(str(reason) for reason in answer.json()["hindrances"])
    except (ValueError, KeyError, TypeError):
        reasons = ()
    return ReceiverAnswer(address, reasons or (f"it answers {answer.status_code}",))

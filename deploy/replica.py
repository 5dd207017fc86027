"""Print the name of a worker in a container, `worker-2@host`: replica.py PROJECT SERVICE [NAME].

The name is that of the service, unless another is given. The number is that of the container, as `docker compose ps`
shows it; Docker's DNS knows it. The host is the machine's name, which the container shares (`uts: host`). Without an
answer a random word stands for the number, so that names are unique among replicas in any case.
"""

import fcntl
import re
import secrets
import socket
import struct
import sys
from collections.abc import Iterator

SIOCGIFADDR = 0x8915
MOST = 32
"""Numbers that are looked up: compose gives the lowest free ones."""


def addresses() -> Iterator[str]:
    """The IPv4 address of each network that this container is in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, interface in socket.if_nameindex():
            try:
                request = struct.pack("256s", interface.encode())
                address = socket.inet_ntoa(fcntl.ioctl(probe, SIOCGIFADDR, request)[20:24])
            except OSError:  # an interface without an address
                continue
            if not address.startswith("127."):
                yield address


def number(project: str, service: str) -> int | None:
    """The number in this container's name, `PROJECT-SERVICE-NUMBER`; None if no such name leads to this container."""
    own = set(addresses())
    for candidate in range(1, MOST + 1):
        try:
            _, _, resolved = socket.gethostbyname_ex(f"{project}-{service}-{candidate}")
        except OSError:
            continue
        if own.intersection(resolved):
            return candidate
    return None


def node_name(name: str, number: int | None, host: str) -> str:
    """The node name for Celery, without anything that it would expand or split at."""
    return f"{name}-{number or secrets.token_hex(3)}@{re.sub(r'[^A-Za-z0-9._-]', '-', host)}"


if __name__ == "__main__":
    _, project, service, *names = sys.argv
    sys.stdout.write(node_name((names or [service])[0], number(project, service), socket.gethostname()))

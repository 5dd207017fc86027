"""Print the name of this container within its compose project, such as `worker-2`: container_name.py PROJECT SERVICE.

A container cannot read its own name, but Docker's name server knows the address of each: the one whose address is ours
is us. Without an answer (another engine) the number is a random one.
"""

import secrets
import socket
import sys
from contextlib import suppress

MOST = 64
"""Replicas of one service that are tried."""


def name(project: str, service: str) -> str:
    """The service with the number of this container."""
    for number in range(1, MOST + 1):
        with suppress(OSError):  # there is none of that number
            if is_ours(socket.gethostbyname(f"{project}-{service}-{number}")):
                return f"{service}-{number}"
    return f"{service}-{secrets.token_hex(3)}"


def is_ours(address: str) -> bool:
    """Whether an IPv4 address is one of this machine's: no other can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.stdout.write(name(*sys.argv[1:]))

"""Ports: who will listen where, and who is there already."""

import errno
import os
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that will listen, and the setting that moves it elsewhere."""

    name: str
    host: str
    port: int
    setting: str


def hindrances(listeners: Iterable[Listener]) -> list[str]:
    """Why these cannot all listen, a sentence for each that cannot; empty when they can."""
    told = []
    with ExitStack() as held:  # all at the same time, so that two on one port are found out too
        for one in listeners:
            try:
                held.enter_context(_listening(one))
            except OSError as error:
                told.append(f"{one.name}: {_cause(one, error)}; set {one.setting} to another")
    return told


def _listening(listener: Listener) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: connections may linger
        taken.bind(address)
        taken.listen()
    except OSError:
        taken.close()
        raise
    return taken


def _cause(listener: Listener, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {listener.port} is taken"
    return f"cannot listen on {listener.host}:{listener.port} ({os.strerror(error.errno) if error.errno else error})"

"""Connections: which ones are closed, and in which order."""

import resource
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.connections import MOST_UNPROVEN, YOUNG_S, Bounds, Connection, Connections
from ingest.metrics import ReceiverMetrics


class Protocol:
    """The parts of uvicorn's protocol that `Connections` uses."""

    def __init__(self, *, busy: bool = False) -> None:
        self.aborted = False
        self.socket, self.peer = socket.socketpair()
        self.cycle = SimpleNamespace(response_complete=not busy)
        self.transport = SimpleNamespace(
            abort=self.abort, is_closing=lambda: self.aborted, get_extra_info=lambda _: self.socket
        )

    def abort(self) -> None:
        self.aborted = True

    def __del__(self) -> None:
        self.socket.close()
        self.peer.close()


def connections(**bounds: Any) -> Connections:
    return Connections(Bounds(**{"patience_s": 10.0, "most_per_address": 3, "most": 1000} | bounds), ReceiverMetrics())


def closed(candidates: list[Connection]) -> list[int]:
    """The positions of closed connections."""
    protocols: list[Any] = [candidate.protocol for candidate in candidates]
    return [number for number, protocol in enumerate(protocols) if protocol.aborted]


def opened(registry: Connections, number: int, address: str = "192.0.2.1", at: float = 0.0) -> list[Connection]:
    return [registry.opened(Protocol(), address, at) for _ in range(number)]  # type: ignore[arg-type]


def send_body(connection: Connection, token: str, since: float) -> None:
    """Make a connection one that sent a head with this token and has been sending its body since then."""
    connection.prove(token)
    connection.head_since, connection.body_since = None, since
    connection.protocol.cycle.response_complete = False


def peer(connection: Connection) -> socket.socket:
    """The client's end of a connection."""
    return connection.protocol.peer  # type: ignore[attr-defined, no-any-return]


def test_the_oldest_unproven_connections_of_an_address_are_closed():
    """Only once they are old enough: the young ones may be the gateway's."""
    registry = connections()
    unproven = opened(registry, 5)
    registry.enforce_bounds(YOUNG_S)
    assert closed(unproven) == []
    registry.enforce_bounds(YOUNG_S + 0.1)
    assert closed(unproven) == [0, 1]


def test_proven_connections_do_not_count():
    """Nor do those of a trusted proxy, which carries every client's connections."""
    registry = connections(is_proxy=lambda address: address == "10.0.0.1")
    proven, proxied = opened(registry, 9), opened(registry, 9, "10.0.0.1")
    for connection in proven:
        connection.prove()
    registry.enforce_bounds(5)
    assert closed(proven) == closed(proxied) == []


def test_all_addresses_together_are_bounded():
    """The limit holds however few connections each address has."""
    registry = connections(most=10_000)
    unproven = [opened(registry, 1, f"10.0.{n >> 8}.{n & 255}")[0] for n in range(MOST_UNPROVEN + 2)]
    registry.enforce_bounds(5)
    assert closed(unproven) == [0, 1]


def test_slow_connections_are_closed_at_any_point_of_a_request():
    """In a head, or in the body of an answered request; not while the application handles it."""
    registry = connections()
    head, body, in_progress, idle = proven = opened(registry, 4)
    for connection in proven:
        connection.prove()
        connection.head_since = None
    head.head_since = body.body_since = in_progress.body_since = 0.0
    in_progress.protocol.cycle.response_complete = False
    registry.enforce_bounds(10.1)
    assert closed(proven) == [0, 1]
    assert not idle.is_closing


def test_at_the_limit_a_connection_is_closed_at_once():
    """First an unproven one, then the least recently used idle one, never one with a request in progress."""
    registry = connections(most=3)
    first, second, _ = proven = opened(registry, 3)
    for connection in proven:
        connection.prove()
    first.protocol.cycle.response_complete = False
    second.prove()
    (fourth,) = opened(registry, 1)
    assert closed([*proven, fourth]) == [2]
    (fifth,) = opened(registry, 1)
    assert closed([*proven, fourth, fifth]) == [2, 3]
    assert len(registry) == 3


def test_the_longest_overdue_is_closed_first():
    """A connection with a slow body is closed before a new one, although its sender has a valid token."""
    registry = connections(most=4)
    slow = opened(registry, 3, "203.0.113.5")
    for number, connection in enumerate(slow):
        send_body(connection, "t", float(number))
    (new,) = opened(registry, 1, at=10.0)
    opened(registry, 2, at=10.0)
    assert closed([*slow, new]) == [0, 1]


def test_a_connection_with_unread_input_is_not_overdue():
    """An unread head does not count as late, however slow the receiver is, unless the client hung up."""
    registry = connections(most=4)
    gateway, hung_up, *_silent = unproven = opened(registry, 4)
    peer(gateway).send(b"POST ")
    peer(hung_up).send(b"POST ")
    peer(hung_up).close()
    opened(registry, 1, at=0.5)
    assert closed(unproven) == [1]
    opened(registry, 2, at=10.0)
    assert closed(unproven) == [1, 2, 3]


def test_the_oldest_is_closed_where_all_have_unread_input():
    """Without a better candidate the oldest is closed; a new connection is admitted all the same."""
    registry = connections(most=3)
    unproven = opened(registry, 3)
    for connection in unproven:
        peer(connection).send(b"POST ")
    opened(registry, 1, at=10.0)
    assert closed(unproven) == [0]
    for connection in unproven[1:]:
        connection.prove()
        connection.protocol.cycle.response_complete = False
    opened(registry, 1, at=20.0)
    assert len(registry) == 3


def test_else_the_address_with_most_connections_loses_one():
    """A new connection is not overdue yet: the gateway's only one stays, and an address with many loses one of them."""
    registry = connections(most=10)
    (gateway,) = opened(registry, 1)
    many = opened(registry, 9, "198.51.100.1")
    opened(registry, 5, "198.51.100.1", at=0.5)
    assert closed([gateway, *many]) == [1, 2, 3, 4, 5]


def test_arriving_bodies_are_bounded_per_token():
    """The oldest connections of a token are closed; those of another token stay."""
    registry = connections(most=12)  # so three bodies
    many, few = opened(registry, 5, "203.0.113.5"), opened(registry, 2, "203.0.113.5")
    for number, connection in enumerate([*many, *few]):
        send_body(connection, "a" if connection in many else "b", number / 10)
    registry.enforce_bounds(2.0)
    assert (closed(many), closed(few)) == ([0, 1], [])


def test_at_the_limit_the_oldest_body_of_too_many_is_closed_however_young():
    """It is closed before an unproven connection, which may be the gateway's; a token with few bodies keeps them."""
    registry = connections(most=8)  # so two bodies
    many, few = opened(registry, 4, "203.0.113.5"), opened(registry, 2, "203.0.113.6")
    for number, connection in enumerate([*few, *many]):
        send_body(connection, "a" if connection in many else "b", number / 100)
    (gateway,) = opened(registry, 1, at=0.5)
    opened(registry, 2, at=0.6)
    assert (closed(many), closed(few), closed([gateway])) == ([0], [], [])
    opened(registry, 1, at=0.7)
    assert (closed(many), closed(few), closed([gateway])) == ([0, 1], [], [])


def test_the_default_limit_is_that_of_open_files(monkeypatch: pytest.MonkeyPatch):
    """Less SPARE_FILES; without a limit of files, there is none."""
    for files, most in ((1024, 960), (70, 64), (resource.RLIM_INFINITY, sys.maxsize)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert Bounds(10, 3).most == most

"""Connections: who has to go, and in which order."""

import resource
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.connections import MOST_UNPROVEN, YOUNG_S, Bounds, Connection, Connections
from ingest.metrics import ReceiverMetrics


class Protocol:
    """One of uvicorn's, as far as it is looked at."""

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
    return Connections(Bounds(**{"patience_s": 10.0, "most_of_one": 3, "most": 1000} | bounds), ReceiverMetrics())


def gone(some: list[Connection]) -> list[int]:
    return [number for number, one in enumerate(some) if one.protocol.aborted]  # type: ignore[attr-defined]


def opened(registry: Connections, number: int, address: str = "192.0.2.1", at: float = 0.0) -> list[Connection]:
    return [registry.opened(Protocol(), address, at) for _ in range(number)]  # type: ignore[arg-type]


def send_body(connection: Connection, token: str, since: float) -> None:
    """It has sent a head with this token, and has been sending its body since then."""
    connection.prove(token)
    connection.head_since, connection.body_since = None, since
    connection.protocol.cycle.response_complete = False


def peer(connection: Connection) -> socket.socket:
    """Its other end."""
    return connection.protocol.peer  # type: ignore[attr-defined, no-any-return]


def test_the_oldest_of_too_many_go_once_they_are_old_enough():
    """Of one address, that have proved nothing; the young ones may be the gateway's."""
    registry = connections()
    some = opened(registry, 5)
    registry.tidy(YOUNG_S)
    assert gone(some) == []
    registry.tidy(YOUNG_S + 0.1)
    assert gone(some) == [0, 1]


def test_who_has_proved_to_be_good_does_not_count():
    """Nor does a proxy of ours, behind which there is everybody."""
    registry = connections(is_proxy=lambda address: address == "10.0.0.1")
    good, proxied = opened(registry, 9), opened(registry, 9, "10.0.0.1")
    for one in good:
        one.prove()
    registry.tidy(5)
    assert gone(good) == gone(proxied) == []


def test_all_addresses_together_are_bounded():
    """However few each of them has."""
    registry = connections(most=10_000)
    some = [one for n in range(MOST_UNPROVEN + 2) for one in opened(registry, 1, f"10.0.{n >> 8}.{n & 255}")]
    registry.tidy(5)
    assert gone(some) == [0, 1]


def test_who_is_slow_goes_wherever_he_is_in_his_request():
    """In a head, or in a body that was answered; not while the application has it in hand."""
    registry = connections()
    head, body, in_hand, idle = some = opened(registry, 4)
    for one in some:
        one.prove()
        one.head_since = None
    head.head_since = body.body_since = in_hand.body_since = 0.0
    in_hand.protocol.cycle.response_complete = False
    registry.tidy(10.1)
    assert gone(some) == [0, 1]
    assert not idle.is_gone


def test_where_there_is_no_room_somebody_goes_at_once():
    """First who has proved nothing, then the idle one that was used longest ago, never one in the midst of a request."""
    registry = connections(most=3)
    first, second, third = some = opened(registry, 3)
    for one in (first, second, third):
        one.prove()
    first.protocol.cycle.response_complete = False
    second.prove()
    (fourth,) = opened(registry, 1)
    assert gone([*some, fourth]) == [2]
    (fifth,) = opened(registry, 1)
    assert gone([*some, fourth, fifth]) == [2, 3]
    assert len(registry) == 3


def test_who_owes_longest_goes_first():
    """A body that has been arriving for long goes before a new connection, though its sender has a token."""
    registry = connections(most=4)
    slow = opened(registry, 3, "203.0.113.5")
    for number, one in enumerate(slow):
        send_body(one, "t", float(number))
    (new,) = opened(registry, 1, at=10.0)
    opened(registry, 2, at=10.0)
    assert gone([*slow, new]) == [0, 1]


def test_who_waits_for_us_owes_nothing():
    """A head that is here and not read yet is no reason to go, however slow we are; nor is a hang-up one to stay."""
    registry = connections(most=4)
    gateway, gone_already, *_silent = some = opened(registry, 4)
    peer(gateway).send(b"POST ")
    peer(gone_already).send(b"POST ")
    peer(gone_already).close()
    opened(registry, 1, at=0.5)
    assert gone(some) == [1]
    opened(registry, 2, at=10.0)
    assert gone(some) == [1, 2, 3]


def test_the_oldest_goes_where_all_wait_for_us():
    registry = connections(most=3)
    some = opened(registry, 3)
    for connection in some:
        peer(connection).send(b"POST ")
    opened(registry, 1, at=10.0)
    assert gone(some) == [0]
    for connection in some[1:]:
        connection.prove()
        connection.protocol.cycle.response_complete = False
    opened(registry, 1, at=20.0)
    assert len(registry) == 3


def test_else_it_is_one_of_the_address_that_has_most():
    """Who has only just come owes nothing yet: the gateway's one connection stays, of a hundred others one goes."""
    registry = connections(most=10)
    (gateway,) = opened(registry, 1)
    many = opened(registry, 9, "198.51.100.1")
    opened(registry, 5, "198.51.100.1", at=0.5)
    assert gone([gateway, *many]) == [1, 2, 3, 4, 5]


def test_bodies_in_arrival_are_bounded_for_each_token():
    """Of those of one token the oldest go; another token's are not touched."""
    registry = connections(most=12)  # so three bodies
    ours, other = opened(registry, 5, "203.0.113.5"), opened(registry, 2, "203.0.113.5")
    for number, one in enumerate([*ours, *other]):
        send_body(one, "a" if one in ours else "b", number / 10)
    registry.tidy(2.0)
    assert (gone(ours), gone(other)) == ([0, 1], [])


def test_where_room_is_short_the_oldest_body_of_too_many_goes_however_young():
    """Before an unproven connection, which may be the gateway's new one; not of a token that has only a few."""
    registry = connections(most=8)  # so two bodies
    ours, other = opened(registry, 4, "203.0.113.5"), opened(registry, 2, "203.0.113.6")
    for number, connection in enumerate([*other, *ours]):
        send_body(connection, "a" if connection in ours else "b", number / 100)
    (gateway,) = opened(registry, 1, at=0.5)
    opened(registry, 2, at=0.6)
    assert (gone(ours), gone(other), gone([gateway])) == ([0], [], [])
    opened(registry, 1, at=0.7)
    assert (gone(ours), gone(other), gone([gateway])) == ([0, 1], [], [])


def test_as_many_as_there_may_be_files(monkeypatch: pytest.MonkeyPatch):
    """But for some; and where there is no limit, none."""
    for files, most in ((1024, 960), (70, 64), (resource.RLIM_INFINITY, sys.maxsize)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert Bounds(10, 3).most == most

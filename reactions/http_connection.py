"""HTTP connection: one socket to a target, kept alive, on which everything ends at a deadline.

A timeout of a socket begins anew with each byte. Here each read and each write gets what is left until the deadline,
so a target that drips its answer costs no more time than one that is silent.
"""

import io
import select
import socket
import ssl
import time
from contextlib import suppress
from http.client import HTTPException

from reactions.address_guard import is_public, refusal
from reactions.http_reply import Reply, TooLongError, read_body, read_reply
from reactions.name_lookup import Address, NameLookup
from reactions.reaction import UrlTarget
from reactions.target_url import TargetUrl

CONNECT_S = 5.0
"""For name, connection and TLS together, where the deadline leaves as much."""
DRAIN_S = 1.0
"""How long a body is read, so that the connection can be used again; what a target answered is known by then."""
LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 64 * 1024
RECEIVED_AT_ONCE = 8 * 1024
"""Bytes. Python's default is 128 KiB from 3.14 on: so much, received with a short head, exceeds LONGEST_HEAD."""


class RefusedAddressError(OSError):
    """We do not connect there; the message says why, and names no address."""


class NoAnswerError(ConnectionError):
    """The target closed the connection before the first byte of an answer."""


class HttpConnection:
    """A connection that is open. It is for a single thread at a time; any may abort it."""

    def __init__(self, sock: socket.socket, opened_at: float) -> None:
        self._socket = sock
        self._input = _Input(sock)
        self.opened_at = self.used_at = opened_at
        self.is_reusable = True

    @classmethod
    def open(
        cls,
        url: TargetUrl,
        lookup: NameLookup,
        deadline: float,
        trusted: ssl.SSLContext | None,
        target: UrlTarget,
    ) -> "HttpConnection":
        """Connect to the first address that may be reached and answers. Raises OSError, RefusedAddressError among them.

        What was judged is what is connected to: the name is not looked up again.
        """
        deadline = min(deadline, time.monotonic() + CONNECT_S)
        allow_public = url.is_tls or target.allow_http
        reachable = _reachable(lookup.addresses(_left(deadline)), allow_public, target.allow_link_local)
        plain = _connect(reachable, deadline)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(_left(deadline))
            sock = trusted.wrap_socket(plain, server_hostname=url.host) if url.is_tls and trusted else plain
        except BaseException:
            plain.close()
            raise
        return cls(sock, time.monotonic())

    def exchange(self, request: bytes, deadline: float) -> Reply:
        """Send a request and read its answer. Raises OSError or HTTPException; then the connection is of no more use.

        Raises NoAnswerError if no byte came: only then might the request be sent again at once.
        """
        self.is_reusable = False
        self._input.begin(deadline, LONGEST_HEAD)
        try:
            reply = self._reply(request, deadline)
        except (ConnectionError, ssl.SSLEOFError) as error:
            if self._input.received:
                raise
            raise NoAnswerError(*error.args) from error
        if reply.is_last or reply.status < 200:
            return reply
        self._input.begin(min(deadline, time.monotonic() + DRAIN_S), LONGEST_BODY * 2)  # chunks have lengths, too
        with suppress(OSError, HTTPException):
            self.is_reusable = read_body(self._input.buffer, reply, LONGEST_BODY) and self._input.is_empty()
        self.used_at = time.monotonic()
        return reply

    def is_closed_by_peer(self) -> bool:
        """Whether the target closed the connection while it was idle, or sent what nobody asked for."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True  # decrypted already, so that the system does not see it
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(0))
        except (OSError, ValueError):  # closed by us
            return True

    def abort(self) -> None:
        """Have the exchange in another thread fail at once. That thread closes it: until then its number is no other's.

        Not by TLS's own shutdown, after which the other thread would send what is left of its request in plain text.
        """
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _reply(self, request: bytes, deadline: float) -> Reply:
        try:
            self._send(request, deadline)
        except (ConnectionError, ssl.SSLEOFError):
            with suppress(OSError, HTTPException):  # a target may refuse a request before it has read all of it
                return read_reply(self._input.buffer)
            raise
        return read_reply(self._input.buffer)

    def _send(self, request: bytes, deadline: float) -> None:
        view = memoryview(request)
        while view:
            self._socket.settimeout(_left(deadline))
            view = view[self._socket.send(view) :]


class _Input(io.RawIOBase):
    """What a socket receives, up to a deadline and a number of bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._deadline, self._most = 0.0, 0
        self.received = 0
        self.buffer = io.BufferedReader(self, RECEIVED_AT_ONCE)

    def begin(self, deadline: float, most: int) -> None:
        """Read the next part of an answer up to these."""
        self._deadline, self._most, self.received = deadline, most, 0

    def is_empty(self) -> bool:
        """Whether nothing was received beyond what has been read: it would be taken for the next answer."""
        self._most = -1
        return not self.buffer.peek(1)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int | None:  # type: ignore[override] # a WriteableBuffer
        """Receive what there is; nothing while `is_empty` looks."""
        if self._most < 0:
            return None
        self._socket.settimeout(_left(self._deadline))
        length = self._socket.recv_into(buffer)
        self.received += length
        if self.received > self._most:
            raise TooLongError
        return length


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reachable(addresses: list[Address], allow_public: bool, allow_link_local: bool) -> list[Address]:
    """Those that may be reached. Raises RefusedAddressError if there is none."""
    reachable, reason = [], "its name has no address"
    for family, address in addresses:
        if refused := refusal(address[0], allow_link_local):
            reason = f"its address {refused}"
        elif not allow_public and is_public(address[0]):
            reason = "its address is a public one, and without TLS it needs allow_http = true"
        else:
            reachable.append((family, address))
    if not reachable:
        raise RefusedAddressError(reason)
    return reachable


def _connect(addresses: list[Address], deadline: float) -> socket.socket:
    """A connection to the first address that answers; each gets its share of the time."""
    failure: OSError = TimeoutError()
    for index, (family, address) in enumerate(addresses):
        try:
            left = _left(deadline) / (len(addresses) - index)
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            failure = error
            continue
        try:
            sock.settimeout(left)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure

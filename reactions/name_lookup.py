"""Name lookup: the addresses of a host, within a time; the system's own lookup knows no limit."""

import socket
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from typing import Any

SocketAddress = tuple[Any, ...]
"""As sockets take it: an address, a port, and of IPv6 two numbers."""
Address = tuple[socket.AddressFamily, SocketAddress]


class NameLookup:
    """Looks up one host. A lookup that takes too long goes on, and later callers wait for the same one."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._pending: Future[list[Address]] | None = None

    def addresses(self, timeout_s: float) -> list[Address]:
        """The addresses, in the order in which to try them. Raises OSError; TimeoutError if it takes too long."""
        with suppress(OSError):
            return self._resolve(socket.AI_NUMERICHOST)
        with self._lock:
            pending = self._pending
            if pending is None:
                pending = self._pending = Future()
                threading.Thread(target=self._run, args=(pending,), name="name lookup", daemon=True).start()
        try:
            return pending.result(timeout_s)
        except NotInTime:
            raise TimeoutError("its name was not resolved in time") from None

    def _run(self, pending: Future[list[Address]]) -> None:
        try:
            addresses = self._resolve(0)
        except (OSError, UnicodeError) as error:
            failure = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "no name")
            self._end(pending).set_exception(failure)
        else:
            self._end(pending).set_result(addresses)

    def _end(self, pending: Future[list[Address]]) -> Future[list[Address]]:
        with self._lock:
            self._pending = None
        return pending

    def _resolve(self, flags: int) -> list[Address]:
        infos = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=flags)
        return [(socket.AddressFamily(family), address) for family, _, _, _, address in infos]

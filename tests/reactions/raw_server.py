"""A raw server: each connection is handled by a function of the test, byte by byte."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import PATIENCE_S

Handle = Callable[[socket.socket, int], None]
"""Handles one request on a connection; the second is how many requests came before, on all connections."""


@dataclass
class RawServer:
    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)
    """Connections that are open now."""
    stop: threading.Event = field(default_factory=threading.Event)

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/seven?key=1"


def answers(*parts: bytes, close: bool = False) -> Handle:
    """Sends these bytes to each request."""

    def handle(sock: socket.socket, _: int) -> None:
        for part in parts:
            sock.sendall(part)
        if close:
            sock.close()

    return handle


def status(code: int, *lines: str) -> Handle:
    """An answer without a body, on a connection that is kept."""
    return answers("\r\n".join((f"HTTP/1.1 {code} X", *lines, "content-length: 0", "", "")).encode())


def resets(sock: socket.socket, _: int) -> None:
    """Ends the connection as a machine does that knows nothing of it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextmanager
def raw_server(handle: Handle, certificate: Path | None = None) -> Iterator[RawServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server, counting = RawServer(listener.getsockname()[1]), threading.Lock()

    def serve(plain: socket.socket) -> None:
        with suppress(OSError), plain:
            sock = plain
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                sock = context.wrap_socket(plain, server_side=True)
            server.open.append(sock)
            try:
                with sock:
                    while request := read_request(sock):
                        with counting:
                            before = len(server.requests)
                            server.requests.append(request)
                        handle(sock, before)
            finally:
                server.open.remove(sock)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE_S)


def read_request(sock: socket.socket) -> bytes:
    """One request with its body; nothing once the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := sock.recv(65536)):
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(headers_of(head).get("content-length", "0"))
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

"""Raw HTTP over sockets: requests as bytes, and the receiver's answers."""

import re
import socket
import time

from tests.processes import Receiver

TOKEN = "a-token-for-the-edge-0123456789"
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'
PATIENCE_S = 2


def connect(receiver: Receiver) -> socket.socket:
    return socket.create_connection(("127.0.0.1", receiver.port), timeout=120)


def receive_all(connection: socket.socket) -> bytes:
    """All bytes until the receiver closes the connection."""
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def receive_json(connection: socket.socket) -> bytes:
    """One whole answer in JSON."""
    received = b""
    while not received.endswith(b"}"):
        part = connection.recv(65536)
        assert part
        received += part
    return received


def exchange(receiver: Receiver, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send these bytes and no more; return all that the receiver sends."""
    with connect(receiver) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause_s)
        return receive_all(connection)


def statuses(answers: bytes) -> list[int]:
    """The status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def post(body: bytes = BODY, *headers: bytes, path: str = f"/hooks/{TOKEN}", length: bool = True) -> bytes:
    """One whole POST request."""
    lines = [f"POST {path} HTTP/1.1".encode(), b"host: x", *headers]
    if length:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CLOSE = b"connection: close"
CHUNKED = b"transfer-encoding: chunked"


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def receive_answer(connection: socket.socket) -> bytes:
    """One whole answer, by its content length."""
    received = b""
    connection.settimeout(5)
    while True:
        try:
            part = connection.recv(65536)
        except OSError:
            return received
        received += part
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if not part or (end and length and len(body) >= int(length[1])):
            return received


CHUNKED_POST = f"POST /hooks/{TOKEN} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()

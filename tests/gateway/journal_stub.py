"""A stub of the gateway's journal: lists that a test changes while they are read."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seven.timestamps import BERLIN
from tests.http_stub import Server

Row = dict[str, Any]


def ago(**span: float) -> str:
    """Berlin's wall clock so long ago."""
    return (datetime.now(UTC) - timedelta(**span)).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")


class JournalStub:
    """Lists by name, latest id first; `answer` may replace what a request would get."""

    def __init__(self) -> None:
        self.reset()
        self.server = Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"

    def reset(self) -> None:
        """Empty lists, and no requests so far."""
        self.lists: dict[str, list[Row]] = {"outbound": [], "inbound": [], "voice": [], "voice_call": []}
        self.requests: list[dict[str, str]] = []
        """The parameters of each, with the list's name as `list`."""
        self.answer: Callable[[dict[str, str], list[Any]], Any] = lambda _, page: page
        """Called with a request's parameters and its page; returns the body, or a status and a body of bytes."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve for the length of a block."""
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            self.server.shutdown()
            self.server.server_close()

    def page(self, parameters: dict[str, str]) -> list[Row]:
        """The rows that a request asks for."""
        rows = self.lists[parameters["list"]]
        if "id" in parameters:
            return [row for row in rows if str(row["id"]) == parameters["id"]]
        first, last = parameters.get("date_from", ""), parameters.get("date_to", "9999")
        rows = [row for row in rows if first <= str(row.get("timestamp", row.get("time", "")))[:10] <= last]
        offset, limit = int(parameters.get("offset", 0)), int(parameters.get("limit", 100))
        return rows[offset : offset + limit]


def _handler(stub: JournalStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
            name = url.path.rpartition("/")[2]
            parameters["list"] = parameters["type"] if name == "journal" else name
            stub.requests.append(parameters)
            answer = stub.answer(parameters, stub.page(parameters))
            status, body = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    return Handler


@contextmanager
def journal_stub() -> Iterator[JournalStub]:
    """A running stub."""
    stub = JournalStub()
    with stub.running():
        yield stub


def outbound(id_: int, status: str | None = "DELIVERED", at: str = "2026-03-02 12:00:00.250", **changes: Any) -> Row:
    """A row of a message that was sent."""
    row = {
        "id": str(id_), "to": "49176123456789", "from": "seven.io", "text": "Hello", "timestamp": at, "price": "0.075",
        "dlr": status, "dlr_timestamp": None if status is None else at, "mccmnc": "26203", "latency": "1.2",
        "type": "direct", "connection": "http", "label": None, "foreign_id": None,
    }  # fmt: skip
    return row | changes

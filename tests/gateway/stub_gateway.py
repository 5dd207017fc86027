"""A gateway that gives prepared answers, for what the emulator never answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.http_stub import Server


class Request:
    """One received request."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method, self.path, self.headers = handler.command, handler.path, handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("content-length", 0)))


class StubGateway:
    """A server that gives the prepared answers in order, and repeats the last one."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[tuple[int, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(Request(self))
                status, body = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def prepare(self, *bodies: object, status: int = 200) -> None:
        self.answers = [(status, body if isinstance(body, bytes) else json.dumps(body).encode()) for body in bodies]


@contextmanager
def run_stub_gateway() -> Iterator[StubGateway]:
    """A stub for the length of a block."""
    stub = StubGateway()
    try:
        yield stub
    finally:
        stub.server.shutdown()
        stub.server.server_close()

"""Stub receivers: real HTTP servers that record the emulator's requests and answer as a test defines."""

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from seven.delivery import Delivery
from tests.servers import PATIENCE_S

Answer = Callable[["ReceivedRequest"], int | None]
"""Returns the status of an answer; None for no answer until the sender disconnects."""


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as the receiver received it."""

    path: str
    delivery: Delivery
    headers: dict[str, str]
    nth: int
    """How often this delivery has arrived, this time included."""
    at: float


@dataclass
class Receiver:
    """The requests that a receiver received, and its answers."""

    url: str
    answer: Answer = lambda request: 202
    requests: list[ReceivedRequest] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0

    async def receive(self, http_request: Request) -> Response:
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            delivery = Delivery(http_request.method, http_request.url.query.encode(), await http_request.body())
            nth = 1 + sum(request.delivery == delivery for request in self.requests)
            headers = dict(http_request.headers)
            request = ReceivedRequest(http_request.url.path, delivery, headers, nth, time.monotonic())
            self.requests.append(request)
            status = self.answer(request)
            while status is None:
                if await http_request.is_disconnected():
                    return Response(status_code=499)
                await asyncio.sleep(0.01)
        finally:
            self.in_flight -= 1
        answer_headers = {"location": "/elsewhere", "retry-after": "3600"}
        return JSONResponse({"id": f"id-{len(self.requests)}", "outcome": "accepted"}, status, answer_headers)


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve an app; yields its base URL. The port 0 stands for a free port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Poll until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    for pause in itertools.repeat(0.01):
        if condition():
            return
        assert time.monotonic() < deadline, "not in time"
        time.sleep(pause)


@contextmanager
def run_receiver(port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver("")
    app = Starlette()
    app.add_route("/{path:path}", receiver.receive, methods=["GET", "POST"])
    with serve(app, port) as url:
        receiver.url = f"{url}/hooks/a-token-of-some-length"
        yield receiver

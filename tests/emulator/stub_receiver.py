"""Receivers for the emulator to tell its stories to: real HTTP servers that answer as a test has them answer."""

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

Answer = Callable[["Heard"], int | None]
"""The status of an answer; None for no answer before the sender has gone."""


@dataclass(frozen=True)
class Heard:
    """One request as the receiver got it."""

    path: str
    delivery: Delivery
    headers: dict[str, str]
    nth: int
    """How often this same delivery has come, this time included."""
    at: float


@dataclass
class Receiver:
    """What a receiver heard, and how it answers."""

    url: str
    answer: Answer = lambda heard: 202
    heard: list[Heard] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    async def receive(self, request: Request) -> Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            delivery = Delivery(request.method, request.url.query.encode(), await request.body())
            nth = 1 + sum(one.delivery == delivery for one in self.heard)
            heard = Heard(request.url.path, delivery, dict(request.headers), nth, time.monotonic())
            self.heard.append(heard)
            status = self.answer(heard)
            while status is None:
                if await request.is_disconnected():
                    return Response(status_code=499)
                await asyncio.sleep(0.01)
        finally:
            self.under_way -= 1
        headers = {"location": "/elsewhere", "retry-after": "3600"}
        return JSONResponse({"id": f"id-{len(self.heard)}", "outcome": "accepted"}, status, headers)


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """The base URL of an app that is served on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Poll; fails when it does not hold in time."""
    deadline = time.monotonic() + seconds
    for pause in itertools.repeat(0.01):
        if holds():
            return
        assert time.monotonic() < deadline, "not in time"
        time.sleep(pause)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver("")
    app = Starlette()
    app.add_route("/{path:path}", receiver.receive, methods=["GET", "POST"])
    with serving(app, port) as url:
        receiver.url = f"{url}/hooks/a-token-of-some-length"
        yield receiver

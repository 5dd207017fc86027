"""Subscribers: HTTP targets in this process that verify what they get, and a file of reactions for them."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update
from standardwebhooks import Webhook

from store.schema import reactions
from store.subscriptions import STARTING
from tests.servers import eventually

SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Subscriber:
    """One target: what it was sent, and how it answers."""

    name: str
    answer: Callable[[str], int] = lambda _: 204
    """The status of the answer to a change with this id; it may take its time."""
    retry_after_s: int | None = None
    """For how long it asks to be left alone where it refuses."""
    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    """What it accepted: verified, with the time of receipt."""
    refused: list[dict[str, Any]] = field(default_factory=list)
    """What it did not, alike: it comes again."""

    def standings(self) -> dict[str, str]:
        """The latest of each key of what was accepted, as a receiver keeps it: lower sequences are ignored."""
        latest: dict[str, dict[str, Any]] = {}
        for change in list(self.received):
            key = change["data"].get("msg_id") or change["id"]
            if change["sequence"] >= latest.get(key, change)["sequence"]:
                latest[key] = change
        return {key: change["now"] for key, change in latest.items()}


@contextmanager
def serving(*subscribers: Subscriber) -> Iterator[None]:
    """Serve targets, each on a port of its own."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(each)) for each in subscribers]
    for server, each in zip(servers, subscribers, strict=True):
        server.daemon_threads = True
        each.url = f"http://127.0.0.1:{server.server_port}/changes"
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler(subscriber: Subscriber) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            change: Any = Webhook(SECRET).verify(body, headers)
            assert change == json.loads(body)
            assert change["id"] == headers["webhook-id"]
            status = subscriber.answer(change["id"])
            kept = subscriber.received if status < 300 else subscriber.refused
            kept.append({**change, "received_at": time.time()})
            self.send_response(status)
            self.send_header("content-length", "0")
            if status >= 300 and subscriber.retry_after_s is not None:
                self.send_header("retry-after", str(subscriber.retry_after_s))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def write_file(directory: Path, *subscribers: Subscriber, on: str = '["message.*"]', more: str = "") -> Path:
    """The file of reactions."""
    (directory / "secret").write_text(SECRET + "\n")
    tables = [
        f'[[reaction]]\nname = "{each.name}"\non = {on}\nurl = "{each.url}"\nsecret_file = "secret"\n{more}\n'
        for each in subscribers
    ]
    file = directory / "reactions.toml"
    file.write_text("\n".join(tables))
    return file


def begin(engine: Engine) -> None:
    """Let every subscriber begin at once: as if each worker had known of it for long."""

    def states() -> list[str]:
        with engine.connect().execution_options(reads=True) as connection:
            return list(connection.execute(select(reactions.c.state)).scalars())

    eventually(states)
    with engine.begin() as connection:
        connection.execute(update(reactions).values(registered_at=datetime.now(UTC) - STARTING - timedelta(seconds=1)))
    eventually(lambda: set(states()) == {"on"})

"""Targets: the subscribers' HTTP servers of a run, good and bad ones, in a process of their own.

`python -m tests.chaos.targets PORT DIRECTORY` serves the target NAME at /NAME. What a target accepts is in the directory's
file NAME.jsonl before it answers.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

SECRET_FILE = "secret"
RECOVERED_FILE = "recovered"
"""Once it is there, the moody target accepts everything."""
SLOW_S, HANGS_S = 0.05, 60.0
MOODS = ("500", "301", "429", "garbage", "closes", "hangs", "large answer", "large failure")
MOODY = 0.25
"""The share of requests that the moody target does not simply accept."""
LARGE = b"x" * 10_000_000


class Handler(BaseHTTPRequestHandler):
    """Answers one request as its target does."""

    protocol_version = "HTTP/1.1"
    directory: Path
    webhook: Webhook
    lock = threading.Lock()

    def do_POST(self) -> None:
        """Verify the signature, and answer."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._is_signed(body):
            self._answer(401)
        else:
            _ANSWERS[self.path.strip("/")](self, body)

    def log_message(self, *_: Any) -> None:
        """Nothing: there are thousands."""

    def accept(self, body: bytes, content: bytes = b"") -> None:
        """Keep the change, then answer 200."""
        with self.lock, (self.directory / f"{self.path.strip('/')}.jsonl").open("ab") as file:
            file.write(json.dumps(json.loads(body)).encode() + b"\n")
        self._answer(200, content)

    def be_slow(self, body: bytes) -> None:
        """Accept, after a while."""
        time.sleep(SLOW_S)
        self.accept(body)

    def be_moody(self, body: bytes) -> None:
        """Fail in every way that there is, at times."""
        if random.random() > MOODY or (self.directory / RECOVERED_FILE).exists():
            self.accept(body)
            return
        mood = random.choice(MOODS)
        if mood == "large answer":
            self.accept(body, LARGE)
        elif mood == "large failure":
            self._answer(500, LARGE)
        elif mood == "garbage":
            self.wfile.write(b"\x00garbage\r\n" * 50)
        elif mood == "hangs":
            time.sleep(2)
        elif mood != "closes":
            self._answer(int(mood), headers={"Location": "/good", "Retry-After": "1"})
        self.close_connection = True

    def be_gone(self, _: bytes) -> None:
        """Ask for nothing ever again."""
        self._answer(410)

    def hang(self, _: bytes) -> None:
        """Answer nothing, for longer than anybody waits."""
        time.sleep(HANGS_S)
        self.close_connection = True

    def _is_signed(self, body: bytes) -> bool:
        """Whether the signature is right, by whichever clock: the dispatcher's may be skewed."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        signed_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signature = self.webhook.sign(headers["webhook-id"], signed_at, body.decode())
        return signature in headers["webhook-signature"].split()

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


_ANSWERS: dict[str, Callable[[Handler, bytes], None]] = {
    "good": Handler.accept,
    "slow": Handler.be_slow,
    "moody": Handler.be_moody,
    "gone": Handler.be_gone,
    "hanging": Handler.hang,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A dispatcher that was killed, or that reads no 10 MB: nothing to report."""


def main() -> None:
    """Serve until the end."""
    Handler.directory = Path(sys.argv[2])
    Handler.webhook = Webhook((Handler.directory / SECRET_FILE).read_text().strip())
    _Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


if __name__ == "__main__":
    main()

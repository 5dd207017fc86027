"""Runs of the reconciler against an emulator, and receivers that publish and answer as real ones do."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from redis.asyncio import Redis

from gateway.hook_state import HookStates
from gateway.reconciler import ReconcileResult
from ledger.client import Ledger
from ledger.keyspace import TOKENS, arrival, fingerprint
from ledger.receivers import mark_of, publish
from tests.emulator.emulator_process import Emulator

PUBLIC, TOKEN = "https://x.example/in", "the-current-token"
HERE = f"{PUBLIC}/hooks/{TOKEN}"
NEWER = "a-newer-token"

Start = Callable[..., Any]


def apply(watching: Start, **told: Any) -> ReconcileResult:
    with watching(**told) as run:
        done = run.run(apply=True)
        assert done is not None
        return done  # type: ignore[no-any-return]


def registered(emulator: Emulator) -> list[tuple[str, str, str, bool]]:
    return sorted(
        (one["target_url"], one["event_type"], one["request_method"], one["enabled"]) for one in emulator.hooks()
    )


def living(redis_url: str, receiver_id: str, *tokens: str, urls: Iterable[str] = ()) -> None:
    """Have a receiver of this id publish that it accepts these tokens, and these public URLs where it knows any."""

    async def work() -> None:
        async with Redis.from_url(redis_url) as redis:
            await publish(redis, receiver_id, map(fingerprint, tokens), map(mark_of, urls))

    asyncio.run(work())


def delivered(ledger: Ledger, token: str, url: str | None = None, at_ms: int | None = None) -> None:
    """Note a delivery by a token, signed for a public URL where one is given."""
    now = HookStates(ledger.redis).now_ms() if at_ms is None else at_ms
    ledger.redis.hset(TOKENS, fingerprint(token), now)
    if url is not None:
        ledger.redis.hset(TOKENS, arrival(fingerprint(token), fingerprint(url)), now)


@dataclass
class Front:
    """A proxy with receivers behind it, as one who opens a hook's URL meets them."""

    url: str = ""
    passes: Callable[[str, str], bool] = lambda prefix, token: True
    """Whether a prefix and a token lead to a receiver that accepts the token."""
    opened: list[str] = field(default_factory=list)


@contextmanager
def front() -> Iterator[Front]:
    """A real HTTP server: 200 where a hook's address is open, else 404."""
    answers = Front()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            prefix, _, token = self.path.partition("/hooks/")
            answers.opened.append(self.path)
            is_open = answers.passes(prefix.strip("/"), token)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200 if is_open else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    answers.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

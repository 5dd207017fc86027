"""Runs of the reconciler against an emulator, with receivers that publish and answer as real ones do."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from redis.asyncio import Redis

from gateway.reconciler import ReconcileResult
from ledger.client import Ledger
from ledger.clock import now_ms
from ledger.keyspace import TOKENS, arrival, fingerprint
from ledger.receivers import Receiver, publish
from tests.emulator.emulator_process import Emulator

PUBLIC, TOKEN = "https://x.example/in", "the-current-token"
HERE = f"{PUBLIC}/hooks/{TOKEN}"
NEWER = "a-newer-token"

NewReconciler = Callable[..., Any]


def apply(new_reconciler: NewReconciler, **overrides: Any) -> ReconcileResult:
    with new_reconciler(**overrides) as reconciler:
        result = reconciler.run(apply=True)
        assert result is not None
        return result  # type: ignore[no-any-return]


def registered(emulator: Emulator) -> list[tuple[str, str, str, bool]]:
    return sorted(
        (hook["target_url"], hook["event_type"], hook["request_method"], hook["enabled"]) for hook in emulator.hooks()
    )


def registered_urls(emulator: Emulator) -> list[str]:
    return [url for url, *_ in registered(emulator)]


def publish_receiver(
    redis_url: str,
    receiver_id: str,
    *tokens: str,
    urls: Iterable[str] = (),
    secrets: Iterable[str] | None = None,
) -> None:
    """Publish a living receiver that accepts these tokens, and these public URLs and secrets if any are given."""

    async def work() -> None:
        async with Redis.from_url(redis_url) as redis:
            await publish(redis, replace(Receiver.new(tokens, urls, secrets), id=receiver_id))

    asyncio.run(work())


def note_delivery(ledger: Ledger, token: str, url: str | None = None, at_ms: int | None = None) -> None:
    """Record a delivery by a token, signed for a public URL if one is given."""
    now = now_ms(ledger.redis) if at_ms is None else at_ms
    ledger.redis.hset(TOKENS, fingerprint(token), now)
    if url is not None:
        ledger.redis.hset(TOKENS, arrival(fingerprint(token), fingerprint(url)), now)


@dataclass
class Proxy:
    """A proxy with receivers behind it, as the client of a hook's URL sees them."""

    url: str = ""
    passes: Callable[[str, str], bool] = lambda prefix, token: True
    """Whether a prefix and a token reach a receiver that accepts the token."""


@contextmanager
def proxy_server() -> Iterator[Proxy]:
    """A real HTTP server that answers 200 where the proxy passes a hook's address, else 404."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            prefix, _, token = self.path.partition("/hooks/")
            is_open = proxy.passes(prefix.strip("/"), token)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200 if is_open else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

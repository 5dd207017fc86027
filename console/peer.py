"""Peer: the address at the other end of a connection, whatever a request claims.

Uvicorn replaces it by `X-Forwarded-For` of any process on this machine, unless it is started with --no-proxy-headers.
So its middleware is patched to keep the peer first.
"""

from functools import wraps
from typing import Any

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from runtime.ip_address import canonical_address

_KEPT = "seven_peer"


def keep_peers() -> None:
    """Patch uvicorn's middleware. Call it before the server begins; a second call changes nothing."""
    original: Any = ProxyHeadersMiddleware.__call__
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    async def keeping(self: ProxyHeadersMiddleware, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope[_KEPT] = scope.get("client")
        await original(self, scope, receive, send)

    ProxyHeadersMiddleware.__call__ = keeping  # type: ignore[method-assign]


def peer_of(scope: Scope) -> str:
    """The peer's address in its usual spelling; empty where there is none, as behind a Unix socket."""
    client = scope.get(_KEPT, scope.get("client"))
    address: str = client[0] if client else ""
    return canonical_address(address) or address

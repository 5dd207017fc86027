"""Forwarded: which address a request comes from, where proxies that are trusted pass it on."""

from collections.abc import Sequence
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from runtime.ip_address import canonical_address, canonical_network

FORWARDED_FOR = b"x-forwarded-for"

Headers = Sequence[tuple[bytes, bytes]]
"""The header fields of a request, with lower-case names, as in an ASGI scope."""


class TrustedProxies:
    """Finds client addresses; `X-Forwarded-For` counts only from trusted proxies."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """`trusted_proxies` are addresses and networks, such as 10.0.0.0/8."""
        networks = [canonical_network(proxy) for proxy in trusted_proxies]
        self._proxies = ProxyHeadersMiddleware(_no_application, networks).trusted_hosts

    def __contains__(self, address: str) -> bool:
        return (canonical_address(address) or address) in self._proxies

    def client_of(self, peer: str, headers: Headers) -> str:
        """The client's address; empty where the peer has none, as behind a Unix socket.

        It is the last address in the proxies' chain that is no trusted proxy; where something else stands in the chain,
        the proxy that passed it on.
        """
        address = canonical_address(peer) or peer
        if address not in self._proxies:
            return address
        chain = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1")
        for entry in reversed(chain.split(",")):
            forwarded = canonical_address(_without_port(entry.strip()))
            if forwarded is None:
                break
            address = forwarded
            if address not in self._proxies:
                break
        return address


def _without_port(entry: str) -> str:
    """The host of `host`, `host:port` or `[host]:port`; an IPv6 address has several colons."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


async def _no_application(*_: Any) -> None:
    """Stands in for the middleware's application: only its parsing of the header is used."""

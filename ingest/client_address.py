"""Client address: which address a request comes from."""

from collections.abc import Sequence
from typing import Any

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ingest.uvicorn_limits import connection_of

FORWARDED = b"x-forwarded-for"
LONGEST = 64
"""Most characters of an address; a longer forwarded value is no address."""


class ClientAddresses:
    """Finds client addresses; `X-Forwarded-For` counts only from trusted proxies."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """`trusted_proxies` are addresses and networks, such as 10.0.0.0/8."""
        self._proxies = ProxyHeadersMiddleware(_no_application, list(trusted_proxies)).trusted_hosts

    def is_proxy(self, address: str) -> bool:
        """Whether an address is a trusted proxy's."""
        return address in self._proxies

    def of(self, scope: Scope) -> str:
        """The client's address; empty where there is none, as behind a Unix socket.

        It is the last address in the proxies' chain that is no trusted proxy. Uvicorn's own result does not count: it
        trusts every process on this machine.
        """
        connection, client = connection_of(scope), scope.get("client")
        peer: str = connection.address if connection else client[0] if client else ""
        if peer not in self._proxies:
            return peer
        chain = b", ".join(value for name, value in scope["headers"] if name == FORWARDED).decode("latin-1")
        address = self._proxies.get_trusted_client_address(chain)[0] if chain else ""
        return address if address and len(address) <= LONGEST and address.isprintable() else peer


async def _no_application(*_: Any) -> None:
    """Stands in for the middleware's application: only its parsing of the header is used."""

"""Origins: which address a request comes from."""

from collections.abc import Sequence
from typing import Any

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ingest.uvicorn_limits import connection_of

FORWARDED = b"x-forwarded-for"
LONGEST = 64
"""Characters of an address; what a proxy of ours forwards that is longer is none."""


class ClientAddresses:
    """Knows the proxies whose `X-Forwarded-For` is believed; of everybody else it is not even read."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """Addresses and networks, such as 10.0.0.0/8."""
        self._proxies = ProxyHeadersMiddleware(_nobody, list(trusted_proxies)).trusted_hosts

    def is_proxy(self, address: str) -> bool:
        """Whether an address is one of theirs."""
        return address in self._proxies

    def of(self, scope: Scope) -> str:
        """The address; empty where there is none, as behind a socket file.

        Of the chain that proxies have written the last that is no proxy of ours. Uvicorn's own reading of that header,
        which believes everybody on this machine, does not count.
        """
        connection, client = connection_of(scope), scope.get("client")
        peer: str = connection.address if connection else client[0] if client else ""
        if peer not in self._proxies:
            return peer
        chain = b", ".join(value for name, value in scope["headers"] if name == FORWARDED).decode("latin-1")
        told = self._proxies.get_trusted_client_address(chain)[0] if chain else ""
        return told if told and len(told) <= LONGEST and told.isprintable() else peer


async def _nobody(*_: Any) -> None:
    """The application of a middleware of which only the reading is used."""

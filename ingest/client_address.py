"""Client address: which address a request comes from."""

from collections.abc import Sequence

from starlette.types import Scope

from ingest.uvicorn_limits import connection_of
from runtime.forwarded import TrustedProxies


class ClientAddresses:
    """Finds client addresses; `X-Forwarded-For` counts only from trusted proxies."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        """`trusted_proxies` are addresses and networks, such as 10.0.0.0/8."""
        self._proxies = TrustedProxies(trusted_proxies)

    def is_proxy(self, address: str) -> bool:
        """Whether an address is a trusted proxy's."""
        return address in self._proxies

    def of(self, scope: Scope) -> str:
        """The client's address; empty where there is none, as behind a Unix socket.

        Uvicorn's own result does not count: it trusts every process on this machine.
        """
        connection, client = connection_of(scope), scope.get("client")
        peer: str = connection.address if connection else client[0] if client else ""
        return self._proxies.client_of(peer, scope["headers"])

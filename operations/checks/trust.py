"""The certificates that requests of checks trust, loaded once in a process."""

import ssl
from functools import cache

import httpx2


@cache
def trusted() -> ssl.SSLContext:
    """The machine's certificates. httpx2 would load them for each request, at http:// too: 50 ms of processor time."""
    return httpx2.create_ssl_context(trust_env=False)

"""The certificates that HTTP clients trust, loaded once in a process.

httpx2 loads them anew for each client, even one for http:// URLs: 50 ms of processor time, hundreds of times in the suite.
"""

import os
import ssl

from httpx2._config import create_ssl_context
from httpx2._transports import default

_CONTEXTS: dict[tuple[object, ...], ssl.SSLContext] = {}


def share_trust() -> None:
    """Let all clients of this process that ask for nothing special share a context; forks inherit it."""
    default.create_ssl_context = _shared
    _shared()


def _shared(verify: ssl.SSLContext | str | bool = True, cert: object = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is not True or cert is not None:
        return create_ssl_context(verify, cert, trust_env)
    key = (trust_env, *(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if trust_env))
    if key not in _CONTEXTS:
        _CONTEXTS[key] = create_ssl_context(trust_env=trust_env)
    return _CONTEXTS[key]

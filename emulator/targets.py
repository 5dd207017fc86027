"""Target: the URL of a receiver, to which stories are told."""

from typing import Annotated

import httpx2
from pydantic import AfterValidator, SecretStr

MAX_PORT = 65535


def _reachable(url: SecretStr) -> SecretStr:
    try:
        parts = httpx2.URL(url.get_secret_value())
    except httpx2.InvalidURL:
        parts = httpx2.URL()
    if parts.scheme not in {"http", "https"} or not parts.host or (parts.port or 1) > MAX_PORT:
        raise ValueError("a target URL looks like https://host[:port]/path")
    return url


Target = Annotated[SecretStr, AfterValidator(_reachable)]
"""A URL that requests can be made to. It is a secret: its path holds the receiver's token."""

"""Target: the URL of a receiver, to which deliveries can be made."""

from typing import Annotated
from urllib.parse import urlsplit

import httpx2
from pydantic import AfterValidator, SecretStr

MAX_PORT = 65535


def is_reachable(url: str) -> bool:
    """Whether requests can be made to this URL."""
    try:
        parts = httpx2.URL(url)
        urlsplit(url)  # refuses a few that the other takes
    except (httpx2.InvalidURL, ValueError):
        return False
    spaced = any(letter.isspace() for letter in url)
    return parts.scheme in {"http", "https"} and bool(parts.host) and (parts.port or 1) <= MAX_PORT and not spaced


def reachable(url: str) -> str:
    """The URL itself. Raises ValueError, whose text does not repeat it."""
    if not is_reachable(url):
        raise ValueError("a target URL looks like https://host[:port]/path")
    return url


def _secret(url: SecretStr) -> SecretStr:
    reachable(url.get_secret_value())
    return url


Target = Annotated[SecretStr, AfterValidator(_secret)]
"""A URL that requests can be made to. It is a secret: its path holds the receiver's token."""

"""Routing: `/hooks/{token}` and `/hooks/{token}/{event_type}`, with or without a trailing slash, and valid tokens.

A public URL may have a path of its own. A proxy may pass that on or strip it, so hooks are served both below each such
prefix and without one.
"""

import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.types import Scope

from ingest.uvicorn_limits import connection_of
from ledger.keyspace import fingerprint


class Tokens:
    """The secrets that hooks may carry: hook tokens, or values of the secret header."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._known = [(token.encode(), fingerprint(token)) for token in tokens]

    def recognise(self, token: str) -> str | None:
        """The fingerprint of a known token, else None. Every known token is compared, each in constant time."""
        encoded = token.encode("utf-8", "surrogatepass")
        match = None
        for known, known_fingerprint in self._known:
            if hmac.compare_digest(encoded, known):
                match = known_fingerprint
        return match


PATH = "/hooks/"


class HookPath(NamedTuple):
    """A hook's path: the fingerprint of its token, and its event type if it has one."""

    fingerprint: str
    event_type: str | None
    prefix: str = ""
    """The path of the public URL, where the proxy passed that on."""


def prefixes(public_urls: Iterable[str]) -> tuple[str, ...]:
    """The paths below which hooks are served, longest first; the last is empty."""
    paths = {unquote(urlsplit(url).path).rstrip("/") for url in public_urls}
    return tuple(sorted({*paths, ""}, key=lambda path: (-len(path), path)))


class HookPaths:
    """Finds the hook of a request: the first check of every request."""

    def __init__(self, tokens: Tokens, public_urls: Iterable[str] = ()) -> None:
        self._tokens = tokens
        below = "|".join(map(re.escape, prefixes(public_urls)))
        self._path = re.compile(f"({below}){PATH}([^/]+)(?:/([^/]+))?/?").fullmatch

    def of(self, scope: Scope) -> HookPath | None:
        """The hook path of a request; None without a valid token."""
        match = self._path(scope["path"].removeprefix(scope.get("root_path", "")))
        if match is None:
            return None
        prefix, token, event_type = match.groups()
        token_fingerprint = self._tokens.recognise(token)
        if token_fingerprint is None:
            return None
        if connection := connection_of(scope):
            connection.prove(token_fingerprint)
        return HookPath(token_fingerprint, event_type, prefix)

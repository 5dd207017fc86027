"""Routing: `/hooks/{token}` and `/hooks/{token}/{event_type}`, with or without a slash at the end, and valid tokens.

A public URL may have a path of its own. Whether the proxy passes that on or takes it away is the operator's choice, so
hooks are served below each such prefix as well as without.
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
    """The secrets that hooks may carry."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._known = [(token.encode(), fingerprint(token)) for token in tokens]

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of every known token."""
        return frozenset(mark for _, mark in self._known)

    def recognise(self, token: str) -> str | None:
        """The fingerprint of a known token, else None. Every known token is compared, each in constant time."""
        told = token.encode("utf-8", "surrogatepass")
        found = None
        for known, mark in self._known:
            if hmac.compare_digest(told, known):
                found = mark
        return found


PATH = "/hooks/"


class HookPath(NamedTuple):
    """What a path has told: whose token it is, by its fingerprint, and an event type where there is one."""

    fingerprint: str
    event_type: str | None
    prefix: str = ""
    """The path of the public URL below which it came, where the proxy passed that on."""


def prefixes(public_urls: Iterable[str]) -> tuple[str, ...]:
    """The paths below which hooks are served, the longest first; the last is the empty one."""
    paths = {unquote(urlsplit(url).path).rstrip("/") for url in public_urls}
    return tuple(sorted({*paths, ""}, key=lambda path: (-len(path), path)))


class HookPaths:
    """Before everything else: a token of ours lets in, everybody else is a stranger."""

    def __init__(self, tokens: Tokens, public_urls: Iterable[str] = ()) -> None:
        self._tokens = tokens
        below = "|".join(map(re.escape, prefixes(public_urls)))
        self._path = re.compile(f"({below}){PATH}([^/]+)(?:/([^/]+))?/?").fullmatch

    def of(self, scope: Scope) -> HookPath | None:
        """The door that a request comes by; None for a stranger's."""
        found = self._path(scope["path"].removeprefix(scope.get("root_path", "")))
        if found is None:
            return None
        prefix, token, event_type = found.groups()
        fingerprint = self._tokens.recognise(token)
        if fingerprint is None:
            return None
        if connection := connection_of(scope):
            connection.prove(fingerprint)
        return HookPath(fingerprint, event_type, prefix)

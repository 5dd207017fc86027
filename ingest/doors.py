"""Doors: `/hooks/{token}` and `/hooks/{token}/{event_type}`, with a slash at the end or without; and who opens them.

A public URL may have a path of its own. Whether the proxy passes that on or takes it away is the operator's choice, so
hooks are served below each such prefix as well as without.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.types import Receive, Scope, Send

from ingest.edge import connection_of
from ingest.strangers import Strangers
from ingest.tokens import Tokens

PATH = "/hooks/"


class Door(NamedTuple):
    """What a path has told: whose token it is, by its fingerprint, and an event type where there is one."""

    fingerprint: str
    event_type: str | None
    prefix: str = ""
    """The path of the public URL below which it came, where the proxy passed that on."""


def prefixes(public_urls: Iterable[str]) -> tuple[str, ...]:
    """The paths below which hooks are served, the longest first; the last is the empty one."""
    paths = {unquote(urlsplit(url).path).rstrip("/") for url in public_urls}
    return tuple(sorted({*paths, ""}, key=lambda path: (-len(path), path)))


class Doors:
    """Before everything else: a token of ours lets in, everybody else is a stranger."""

    def __init__(
        self,
        tokens: Tokens,
        inside: Callable[[Door, Scope, Receive, Send], Awaitable[None]],
        strangers: Strangers,
        public_urls: Iterable[str] = (),
    ) -> None:
        self._tokens, self._inside, self._strangers = tokens, inside, strangers
        self._prefixes = prefixes(public_urls)
        self._paths = tuple(prefix + PATH for prefix in self._prefixes)

    def lead_to(self, scope: Scope) -> bool:
        """Whether a request is for the hooks, whoever makes it."""
        path: str = scope["path"]
        return path.removeprefix(scope.get("root_path", "")).startswith(self._paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or turn it away."""
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        prefix = next(prefix for prefix in self._prefixes if path.startswith(prefix + PATH))
        told = path[len(prefix) + len(PATH) :].split("/")
        fingerprint = self._tokens.recognise(told[0])
        rest = told[1:-1] if told[-1] == "" else told[1:]
        if fingerprint is None or len(rest) > 1 or rest == [""]:
            await self._strangers(scope, receive, send)
            return
        if connection := connection_of(scope):
            connection.prove(fingerprint)
        await self._inside(Door(fingerprint, rest[0] if rest else None, prefix), scope, receive, send)

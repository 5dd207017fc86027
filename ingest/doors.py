"""Doors: `/hooks/{token}` and `/hooks/{token}/{event_type}`, with a slash at the end or without; and who opens them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from ingest.edge import connection_of
from ingest.strangers import Strangers
from ingest.tokens import Tokens

PATH = "/hooks/"


class Door(NamedTuple):
    """What a path has told: whose token it is, by its fingerprint, and an event type where there is one."""

    fingerprint: str
    event_type: str | None


class Doors:
    """Before everything else: a token of ours lets in, everybody else is a stranger."""

    def __init__(
        self,
        tokens: Tokens,
        inside: Callable[[Door, Scope, Receive, Send], Awaitable[None]],
        strangers: Strangers,
    ) -> None:
        self._tokens, self._inside, self._strangers = tokens, inside, strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or turn it away."""
        told = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(PATH).split("/")
        fingerprint = self._tokens.recognise(told[0])
        rest = told[1:-1] if told[-1] == "" else told[1:]
        if fingerprint is None or len(rest) > 1 or rest == [""]:
            await self._strangers(scope, receive, send)
            return
        if connection := connection_of(scope):
            connection.prove()
        await self._inside(Door(fingerprint, rest[0] if rest else None), scope, receive, send)

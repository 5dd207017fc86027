"""Reading: a request's body, as much of it as is allowed and as long as its sender is not too slow."""

import asyncio
import hashlib
from dataclasses import dataclass

from starlette.types import Receive, Scope

from ingest.uvicorn_limits import connection_of

DISCARDED = 32 * 1024 * 1024  # bytes of what is too big that are read, so that the sender gets to hear the answer
DISCARD_S = 3.0


class TooSlow(Exception):  # noqa: N818 - a fact, and no fault of ours
    """The body did not arrive in time."""


class Gone(Exception):  # noqa: N818
    """The sender left before it had told everything; it will come again."""


@dataclass(slots=True)
class Body:
    """What was read."""

    told: bytes
    size: int
    """Bytes of the whole, as far as they were told or counted."""
    digest: str = ""
    """The MD5 as hex, if it was asked for."""
    is_cut: bool = False
    """Whether it was not read to its end."""


async def read(scope: Scope, receive: Receive, room: int, patience_s: float, *, digested: bool) -> Body:
    """Read a body, at most `room` bytes of it; of one that is larger the rest is counted, and dropped.

    Raises TooSlow, or Gone.
    """
    connection = connection_of(scope)
    if connection is not None and connection.body_since is None:  # all is here; nothing to wait for
        first = await receive()
    else:
        try:
            async with asyncio.timeout(patience_s):
                first = await receive()
        except TimeoutError:
            raise TooSlow from None
    if first["type"] == "http.disconnect":
        raise Gone
    told: bytes = first.get("body", b"")
    more = first.get("more_body", False)
    if not more and len(told) <= room:  # nearly always
        return Body(told, len(told), hashlib.md5(told, usedforsecurity=False).hexdigest() if digested else "")
    digest = hashlib.md5(told, usedforsecurity=False) if digested else None
    kept, size, is_cut = await _rest(receive, told, room, patience_s, digest) if more else (told, len(told), False)
    return Body(kept[:room], max(size, _length(scope)), digest.hexdigest() if digest else "", is_cut)


async def _rest(
    receive: Receive, first: bytes, room: int, patience_s: float, digest: "hashlib._Hash | None"
) -> tuple[bytes, int, bool]:
    """What follows, with what came first: as much as there is room for, how much it was, and whether there was more."""
    loop = asyncio.get_running_loop()
    body, seen, more = bytearray(first[:room]), len(first), True
    try:
        async with asyncio.timeout(patience_s if seen <= room else DISCARD_S) as deadline:
            while more and seen <= DISCARDED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                chunk, more = message.get("body", b""), message.get("more_body", False)
                if seen <= room < seen + len(chunk):
                    deadline.reschedule(min(deadline.when() or 0, loop.time() + DISCARD_S))
                seen += len(chunk)
                body += chunk[: max(0, room - len(body))]
                if digest is not None:
                    digest.update(chunk)
    except TimeoutError:
        if seen <= room:
            raise TooSlow from None
    return bytes(body), seen, more


def _length(scope: Scope) -> int:
    """What the request says of its body's length; 0 where it says nothing that is one."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 16:
            return int(value)
    return 0

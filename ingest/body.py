"""Body: reads a request's body, bounded in size and in time."""

import asyncio
import hashlib
from dataclasses import dataclass

from starlette.types import Receive, Scope

from ingest.uvicorn_limits import connection_of

DISCARDED = 32 * 1024 * 1024  # bytes read of a body that is too large, so that the sender receives the answer
DISCARD_S = 3.0


class TooSlow(Exception):  # noqa: N818 - describes the sender
    """The body did not arrive in time."""


class Disconnected(Exception):  # noqa: N818 - describes the sender
    """The sender disconnected before the end of the body; it will retry."""


@dataclass(slots=True)
class Body:
    """A body, read in full or in part."""

    content: bytes
    size: int
    """Bytes of the whole body, as declared or counted."""
    digest: str = ""
    """The MD5 as hex, if requested."""
    is_cut: bool = False
    """Whether it was not read to its end."""


async def read(scope: Scope, receive: Receive, room: int, patience_s: float, *, digested: bool) -> Body:
    """Read at most `room` bytes of a body; the rest of a larger one is counted and dropped.

    Raises TooSlow or Disconnected.
    """
    connection = connection_of(scope)
    if connection is not None and connection.body_since is None:  # the whole body has arrived
        first = await receive()
    else:
        try:
            async with asyncio.timeout(patience_s):
                first = await receive()
        except TimeoutError:
            raise TooSlow from None
    if first["type"] == "http.disconnect":
        raise Disconnected
    content: bytes = first.get("body", b"")
    more = first.get("more_body", False)
    if not more and len(content) <= room:  # nearly always
        return Body(content, len(content), hashlib.md5(content, usedforsecurity=False).hexdigest() if digested else "")
    digest = hashlib.md5(content, usedforsecurity=False) if digested else None
    kept, size, is_cut = content, len(content), False
    if more:
        kept, size, is_cut = await _read_rest(receive, content, room, patience_s, digest)
    return Body(kept[:room], max(size, _length(scope)), digest.hexdigest() if digest else "", is_cut)


async def _read_rest(
    receive: Receive, first: bytes, room: int, patience_s: float, digest: "hashlib._Hash | None"
) -> tuple[bytes, int, bool]:
    """Read on. Returns the first `room` bytes of the body, the bytes counted, and whether more would follow."""
    loop = asyncio.get_running_loop()
    body, seen, more = bytearray(first[:room]), len(first), True
    try:
        async with asyncio.timeout(patience_s if seen <= room else DISCARD_S) as deadline:
            while more and seen <= DISCARDED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
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
    """The body's declared length; 0 where it declares none, or no valid one."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 16:
            return int(value)
    return 0

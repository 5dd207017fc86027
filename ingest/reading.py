"""Reading: a request's body, as much of it as is allowed and as long as its sender is not too slow."""

import asyncio
import hashlib
from dataclasses import dataclass

from starlette.requests import Request

DISCARDED = 32 * 1024 * 1024  # bytes of what is too big that are read, so that the sender gets to hear the answer
DISCARD_S = 3.0


class TooSlow(Exception):  # noqa: N818 - a fact, and no fault of ours
    """The body did not arrive in time."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was read. `size` is of the whole body, as far as it was told; `digest` its MD5 as hex, if asked for."""

    told: bytes
    size: int
    digest: str


async def read(request: Request, room: int, patience_s: float, *, digested: bool) -> Body:
    """Read a body, at most `room` bytes of it; of one that is larger the rest is counted, and dropped.

    Raises TooSlow, or Starlette's ClientDisconnect.
    """
    loop = asyncio.get_running_loop()
    body, seen = bytearray(), 0
    digest = hashlib.md5(usedforsecurity=False) if digested else None
    try:
        async with asyncio.timeout(patience_s) as deadline:
            async for chunk in request.stream():
                if seen <= room < seen + len(chunk):
                    deadline.reschedule(min(deadline.when() or 0, loop.time() + DISCARD_S))
                seen += len(chunk)
                body += chunk[: max(0, room - len(body))]
                if digest is not None:
                    digest.update(chunk)
                if seen > DISCARDED:
                    break
    except TimeoutError:
        if seen <= room:
            raise TooSlow from None
    told = request.headers.get("content-length", "")
    size = max(seen, int(told)) if told.isdecimal() and len(told) < 16 else seen
    return Body(bytes(body), size, digest.hexdigest() if digest is not None else "")

"""Bounded body: what a server answers, up to a size and a time. A client's timeouts count for each piece alone."""

import time
from collections.abc import Callable

import httpx2

MOST_BYTES = 32 * 1024 * 1024
MOST_S = 60.0


def read_body(answer: httpx2.Response, most_s: float = MOST_S, clock: Callable[[], float] = time.monotonic) -> bytes:
    """The body of a streamed answer, decoded. Raises httpx2.ReadTimeout where it is too large or takes too long."""
    ends_s, content = clock() + most_s, bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > MOST_BYTES or clock() > ends_s:
            raise httpx2.ReadTimeout("an answer without an end", request=answer.request)
    return bytes(content)

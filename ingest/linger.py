"""Linger: how a receiver leaves a load balancer: first it is not ready, and goes on accepting until all have noticed.

A balancer that still sends something gets its answer, and with it the end of that connection: so it neither meets a
closed port, nor sends a delivery on a connection that is just being closed.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Message, Send

CLOSE = (b"connection", b"close")


class Linger:
    """The last seconds of a receiver."""

    def __init__(self, seconds: float, on_begin: Callable[[], None]) -> None:
        """`on_begin` makes the receiver unready."""
        self.seconds, self._on_begin = seconds, on_begin
        self.has_begun = False

    def skip(self) -> None:
        """End at once: what does not work any more must not accept."""
        self.seconds = 0.0

    def begin(self) -> None:
        """Begin, as a signal handler may."""
        self.has_begun = True
        self._on_begin()

    def end_later(self, loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
        """Have `end` called once the time is up, by the loop; without any time at once."""
        if self.seconds and not loop.is_closed():
            loop.call_soon_threadsafe(loop.call_later, self.seconds, end)
        else:
            end()


def closing(send: Send) -> Send:
    """Send an answer that ends its connection."""

    async def send_last(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [field for field in message["headers"] if field[0].lower() != CLOSE[0]]
            message = {**message, "headers": [*kept, CLOSE]}
        await send(message)

    return send_last

"""Links: TCP connections between our processes that can be delayed, can hang, and can be cut."""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import cast

import uvloop

from tests.servers import free_port


class Link:
    """A way to one port of this machine: whoever connects to `port` reaches it, as far as the link is up to it.

    With a pulse, what is on its way to the port arrives together, at each beat of so many seconds.
    """

    def __init__(self, name: str, target: int, pulse_s: float = 0.0) -> None:
        self.name, self.target, self.pulse_s, self.port = name, target, pulse_s, free_port()
        self.deed = ""
        self.delay_s = 0.0
        self.ends: set[_End] = set()
        self.passes = asyncio.Event()
        """Whether new connections are made."""
        self.passes.set()

    def disturb(self, deed: str, delay_s: float) -> None:
        """From now on `delay` each piece, `hang` (connections are taken, and nothing passes), or `cut` all of them."""
        self.deed, self.delay_s = deed, delay_s
        if deed == "hang":
            self.passes.clear()
        for end in list(self.ends):
            if deed == "cut":
                end.transport.abort()
            else:
                end.choose()

    def restore(self) -> None:
        """Let everything pass again; what hung goes on as if nothing had been."""
        self.deed, self.delay_s = "", 0.0
        self.passes.set()
        for end in list(self.ends):
            end.choose()


class Links:
    """All links, in one thread with a loop of its own."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self._thread.start()
        self._begun.wait()

    def add(self, name: str, target: int, pulse_s: float = 0.0) -> Link:
        """A new link that passes everything."""
        link = Link(name, target, pulse_s)

        async def listen() -> None:
            server = await self._loop.create_server(lambda: _End(link, self._loop), "127.0.0.1", link.port, backlog=512)
            self._open.append((link, server))

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)
        return link

    def do(self, deed: Callable[[], None]) -> None:
        """Do something to a link, in its thread; returns when it is done."""

        async def done() -> None:
            deed()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def close(self) -> None:
        """End all of them."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._open: list[tuple[Link, asyncio.Server]] = []
        self._begun.set()
        await self._over.wait()
        for link, server in self._open:
            server.close()
            link.disturb("cut", 0)
        await asyncio.gather(*(server.wait_closed() for _, server in self._open))


class _End(asyncio.Protocol):
    """One end of one connection; its `peer` is the other one, towards the target or back."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, peer: "_End | None" = None) -> None:
        self.link, self.peer, self._loop = link, peer, loop
        self._pulse_s = link.pulse_s if peer is None else 0.0
        self._late: deque[tuple[float, bytes]] = deque()
        self._full = self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.link.ends.add(self)
        if self.link.deed == "cut":
            self.transport.abort()
        elif self.peer is None:
            self._connecting = self._loop.create_task(self._connect())
        elif self.peer.transport.is_closing():
            self.transport.abort()
        else:
            self.peer.peer = self
            self.choose()
            self.peer.choose()
            self.peer._pass()  # what came before there was anyone to pass it to

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it until its time; a piece never overtakes another."""
        if self.peer and not (self._late or self.link.delay_s or self._pulse_s):
            self._write(data)
            return
        due = self._loop.time() + self.link.delay_s
        if self._pulse_s:
            due = math.ceil(due / self._pulse_s) * self._pulse_s
        self._late.append((due, data))
        if self.peer and len(self._late) == 1:
            self._loop.call_at(due, self._pass)

    def pause_writing(self) -> None:
        self._full = True
        if self.peer:
            self.peer.choose()

    def resume_writing(self) -> None:
        self._full = False
        if self.peer:
            self.peer.choose()

    def connection_lost(self, error: Exception | None) -> None:
        """Take the other end along: orderly after what is still to be passed, roughly after a rough end."""
        self.link.ends.discard(self)
        if self.peer is None:
            return
        if error is not None or self.link.deed == "cut":
            self.peer.transport.abort()
        elif not self._late:
            self.peer.transport.close()

    def choose(self) -> None:
        """Read on, or not, as the link and the other end's buffer want it."""
        if self.link.deed == "hang" or self.peer is None or self.peer._full:
            self._pause()
        elif self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def _pause(self) -> None:
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def _pass(self) -> None:
        now = self._loop.time()
        while self._late and self._late[0][0] <= now + 0.002:
            self._write(self._late.popleft()[1])
        if self._late:
            self._loop.call_at(self._late[0][0], self._pass)
        elif self.transport.is_closing() and self.peer:
            self.peer.transport.close()

    def _write(self, data: bytes) -> None:
        assert self.peer
        if not self.peer.transport.is_closing():
            self.peer.transport.write(data)

    async def _connect(self) -> None:
        await self.link.passes.wait()
        if self.transport.is_closing():
            return
        try:
            await self._loop.create_connection(lambda: _End(self.link, self._loop, self), "127.0.0.1", self.link.target)
        except OSError:
            self.transport.abort()

"""TCP proxies between our processes that can delay, hang and cut connections."""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import cast

import uvloop

from tests.servers import PATIENCE_S, free_port


class Link:
    """A proxy from `port` to the port `target` of this machine.

    With a pulse, bytes towards the target are held and arrive together, once in `pulse_s` seconds.
    """

    def __init__(self, name: str, target: int, pulse_s: float = 0.0) -> None:
        self.name, self.target, self.pulse_s, self.port = name, target, pulse_s, free_port()
        self.disturbance = ""
        self.delay_s = 0.0
        self.ends: set[_End] = set()
        self.is_passing = asyncio.Event()
        """Set while new connections are passed on to the target."""
        self.is_passing.set()

    def disturb(self, kind: str, delay_s: float) -> None:
        """From now on `delay` every chunk, `hang` (accept connections but pass nothing), or `cut` all connections."""
        self.disturbance, self.delay_s = kind, delay_s
        if kind == "hang":
            self.is_passing.clear()
        for end in list(self.ends):
            if kind == "cut":
                end.transport.abort()
            else:
                end.update_reading()

    def restore(self) -> None:
        """Pass everything again; connections that hung continue."""
        self.disturbance, self.delay_s = "", 0.0
        self.is_passing.set()
        for end in list(self.ends):
            end.update_reading()


class Links:
    """All links, in one thread with a loop of its own."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self._thread.start()
        self._started.wait()

    def add(self, name: str, target: int, pulse_s: float = 0.0) -> Link:
        """Add a link that passes everything."""
        link = Link(name, target, pulse_s)

        async def listen() -> None:
            server = await self._loop.create_server(lambda: _End(link, self._loop), "127.0.0.1", link.port, backlog=512)
            self._open.append((link, server))

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(PATIENCE_S)
        return link

    def do(self, action: Callable[[], None]) -> None:
        """Run an action on a link in the thread of all links; returns when it is done."""

        async def done() -> None:
            action()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(PATIENCE_S)

    def close(self) -> None:
        """Close all links and end the thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._open: list[tuple[Link, asyncio.Server]] = []
        self._started.set()
        await self._over.wait()
        for link, server in self._open:
            server.close()
            link.disturb("cut", 0)
        await asyncio.gather(*(server.wait_closed() for _, server in self._open))


class _End(asyncio.Protocol):
    """One end of a proxied connection; `peer` is the other end, towards the target or back."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, peer: "_End | None" = None) -> None:
        self.link, self.peer, self._loop = link, peer, loop
        self._pulse_s = link.pulse_s if peer is None else 0.0
        self._delayed: deque[tuple[float, bytes]] = deque()
        self._full = self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.link.ends.add(self)
        if self.link.disturbance == "cut":
            self.transport.abort()
        elif self.peer is None:
            self._connecting = self._loop.create_task(self._connect())
        elif self.peer.transport.is_closing():
            self.transport.abort()
        else:
            self.peer.peer = self
            self.update_reading()
            self.peer.update_reading()
            self.peer._pass()  # what arrived before the peer was connected

    def data_received(self, data: bytes) -> None:
        """Pass data on, or hold it until it is due; chunks never overtake each other."""
        if self.peer and not (self._delayed or self.link.delay_s or self._pulse_s):
            self._write(data)
            return
        due = self._loop.time() + self.link.delay_s
        if self._pulse_s:
            due = math.ceil(due / self._pulse_s) * self._pulse_s
        self._delayed.append((due, data))
        if self.peer and len(self._delayed) == 1:
            self._loop.call_at(due, self._pass)

    def pause_writing(self) -> None:
        self._full = True
        if self.peer:
            self.peer.update_reading()

    def resume_writing(self) -> None:
        self._full = False
        if self.peer:
            self.peer.update_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Close the other end too: after an orderly end once held data is passed, after a reset at once."""
        self.link.ends.discard(self)
        if self.peer is None:
            return
        if error is not None or self.link.disturbance == "cut":
            self.peer.transport.abort()
        elif not self._delayed:
            self.peer.transport.close()

    def update_reading(self) -> None:
        """Pause or resume reading, depending on the link and the other end's buffer."""
        if self.link.disturbance == "hang" or self.peer is None or self.peer._full:
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
        while self._delayed and self._delayed[0][0] <= now + 0.002:
            self._write(self._delayed.popleft()[1])
        if self._delayed:
            self._loop.call_at(self._delayed[0][0], self._pass)
        elif self.transport.is_closing() and self.peer:
            self.peer.transport.close()

    def _write(self, data: bytes) -> None:
        assert self.peer
        if not self.peer.transport.is_closing():
            self.peer.transport.write(data)

    async def _connect(self) -> None:
        await self.link.is_passing.wait()
        if self.transport.is_closing():
            return
        try:
            await self._loop.create_connection(lambda: _End(self.link, self._loop, self), "127.0.0.1", self.link.target)
        except OSError:
            self.transport.abort()

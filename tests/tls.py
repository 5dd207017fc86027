"""A TLS terminator for a Valkey built without TLS; it records the decrypted bytes of clients."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.cli.web_server import certificate
from tests.servers import PATIENCE_S, Valkey, free_port, valkey

PASSWORD = "a;pass%word/of:the?ledger#@"
QUOTED = "a%3Bpass%25word%2Fof%3Athe%3Fledger%23%40"


class Terminator:
    """A TLS server that forwards everything to a port of this machine."""

    def __init__(self, target: int, certificate: Path) -> None:
        self.target, self.certificate, self.port = target, certificate, free_port()
        self.received = bytearray()
        """Decrypted bytes from clients; empty if every client refuses the certificate."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="tls", daemon=True)

    def url(self, host: str = "127.0.0.1", **options: str) -> str:
        """A REDIS_URL with a password, and these options."""
        return f"rediss://:{QUOTED}@{host}:{self.port}/0" + (f"?{urlencode(options)}" if options else "")

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(PATIENCE_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE_S)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._accepted, ["127.0.0.1", "127.0.0.2"], self.port, ssl=self._context)
        self._started.set()
        await self._over.wait()
        server.close()
        getattr(server, "abort_clients", lambda: None)()  # Python 3.13 can abort unfinished handshakes
        for writer in self._writers:  # a task that is cancelled before its first step closes nothing
            writer.transport.abort()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = self._loop.create_task(self._forward(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers, directions = [writer], []
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(back_writer)
            directions = [
                asyncio.create_task(self._pass(reader, back_writer, self.received)),
                asyncio.create_task(self._pass(back_reader, writer, bytearray())),
            ]
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for connection in writers:
                connection.transport.abort()  # before any await, since `stop` may cancel this task here too
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytearray) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                received += chunk
                writer.write(chunk)
                await writer.drain()


@contextmanager
def over_tls(directory: Path) -> Iterator[Terminator]:
    """A Valkey server with a password behind TLS, with a new self-signed certificate."""
    with valkey_with_password(directory) as server:
        terminator = Terminator(server.port, certificate(directory, 30))
        terminator.start()
        try:
            yield terminator
        finally:
            terminator.stop()


@contextmanager
def valkey_with_password(directory: Path) -> Iterator[Valkey]:
    """A Valkey server that requires PASSWORD."""
    with valkey(directory) as server:
        with server.client() as client:
            client.config_set("requirepass", PASSWORD)
        yield server

"""Changes a second that a dispatcher sends to one subscriber, from a full outbox: requests, or calls of a function."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from bench.cpu_time import CpuMeter
from bench.servers import database, environment, redis, temporary_directory
from store.engine import create_store_engine
from store.outbox import Outbox
from store.schema import notifications
from tests.acceptance.subscribers import Subscriber, begin, write_file
from tests.factories.changes import Report, write
from tests.processes import dispatcher, running

CONCURRENCY = 4
LONGEST_S = 300.0
KINDS = ("request", "call")


def measure(kind: str, dialect: str, number: int) -> dict[str, float]:
    """Changes a second, and microseconds of the dispatcher's processor time for each."""
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, dialect) as url,
        _target(directory, kind) as file,
    ):
        engine = create_store_engine(url)
        settings = environment(redis_url, url) | {"SEVEN_REACTIONS_FILE": str(file)}
        process = dispatcher(directory, settings)
        with running(process):
            begin(engine)
            process.wait_until_logged("ready")
            process.send(signal.SIGSTOP)
            write(engine, [*_reports(number)], sent_at=datetime.now(UTC).replace(microsecond=0))
            assert process.process
            meter, began = CpuMeter({"dispatcher": process.process.pid}), time.time()
            process.send(signal.SIGCONT)
            took_s = _wait_until_sent(engine, number) - began
            spent = meter.micros_per_delivery(number)
        engine.dispose()
    return {"rate": number / took_s, **spent}


def _reports(number: int) -> Iterator[list[Report]]:
    at = int(datetime.now(UTC).timestamp())
    for start in range(0, number, 500):
        yield [
            ("dlr", {"msg_id": str(n), "status": "DELIVERED", "timestamp": at})
            for n in range(start, min(start + 500, number))
        ]


@contextmanager
def _target(directory: Path, kind: str) -> Iterator[Path]:
    """A file of one reaction, and its target, which does nothing."""
    more = f"concurrency = {CONCURRENCY}"
    if kind == "call":
        (directory / "shop.py").write_text("def notice(change):\n    pass\n")
        file = directory / "reactions.toml"
        file.write_text(f'[[reaction]]\nname = "bench"\non = ["message.*"]\ncall = "shop:notice"\n{more}\n')
        yield file
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), _Nothing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield write_file(
            directory, Subscriber("bench", url=f"http://127.0.0.1:{server.server_port}/changes"), more=more
        )
        server.shutdown()


class _Nothing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Accept the change."""
        self.rfile.read(int(self.headers["content-length"]))
        self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        """Nothing: there are thousands."""


def _wait_until_sent(engine: Engine, number: int) -> float:
    """Wait until all are sent, looking rarely; returns when the last was."""
    outbox, deadline = Outbox(engine), time.monotonic() + LONGEST_S
    sent = select(func.count()).select_from(notifications).where(notifications.c.state == "sent")
    try:
        while outbox.transact(lambda connection, _: connection.execute(sent).scalar_one(), reads=True) < number:
            if time.monotonic() > deadline:
                raise RuntimeError("changes are still waiting after the deadline")
            time.sleep(1)
        last = select(func.max(notifications.c.settled_at))
        settled_at: datetime = outbox.transact(lambda connection, _: connection.execute(last).scalar_one(), reads=True)
        return settled_at.timestamp()
    finally:
        outbox.close()

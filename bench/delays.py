"""Seconds from the answer 202 to the row, and to the request at a subscriber, at rates that leave all idle between."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import httpx2
from sqlalchemy import Engine, select

from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from store.engine import create_store_engine
from store.schema import deliveries
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.processes import beat, dispatcher
from tests.servers import eventually


class Run(NamedTuple):
    """One measurement: how often deliveries come, and for how long."""

    rate: int
    """Deliveries a second."""
    longer: int
    """How many times as long as other questions it is measured, so that there are some dozens of the rare ones."""
    beside_hanging: bool = False
    """Whether a second subscriber hangs."""

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.rate} a second{', beside a target that hangs' * self.beside_hanging}"


RUNS = (Run(1, 12), Run(10, 6), Run(10, 6, beside_hanging=True), Run(100, 2))
HANGS_S = 30.0
KNOWN_S = 8.0
"""Until workers know of a subscriber that has just begun."""
LOOK_S = 0.003
"""Pause between two looks for rows. They run beside the measured processes, so what is measured is rather too long."""

Delays = dict[str, list[float]]
"""Seconds after the answer, of each delivery: `row` and `request`."""


def measure(dialect: str, run: Run, seconds: float) -> Delays:
    """Delays of deliveries that come at random moments; `seconds` is how long other questions are measured."""
    good = Subscriber("good")
    hanging = Subscriber("hanging", lambda _: time.sleep(HANGS_S) or 500)
    targets = [good, hanging] if run.beside_hanging else [good]
    with (
        temporary_directory() as directory,
        redis(directory) as redis_url,
        database(directory, dialect) as url,
        serving(*targets),
    ):
        settings = environment(redis_url, url)
        file = write_file(directory, *targets, more="timeout_s = 10")
        server = Server(directory, "ingest.app:app", settings, "receiver")
        sender = dispatcher(directory, settings | {"SEVEN_REACTIONS_FILE": str(file)})
        with (
            running(server, worker(directory, "workers.app", settings, "worker"), beat(directory, settings), sender),
            _engine(url) as engine,
        ):
            begin(engine)
            time.sleep(KNOWN_S)
            rows = Rows(engine)
            answered_at = _deliver(f"{server.url}/hooks/{TOKEN}", run.rate, seconds * run.longer, rows)
            requested_at = _requested_at(good, answered_at)
            return {
                "row": [rows.seen_at[delivery_id] - at for delivery_id, at in answered_at.items()],
                "request": [requested_at[delivery_id] - at for delivery_id, at in answered_at.items()],
            }


class Rows:
    """Notes when the row of each expected delivery is there."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._missing = engine, threading.Event()
        self._expected: set[str] = set()
        self.seen_at: dict[str, float] = {}
        threading.Thread(target=self._look, daemon=True).start()

    def expect(self, delivery_id: str) -> None:
        """Look for this row from now on."""
        self._expected.add(delivery_id)
        self._missing.set()

    def _look(self) -> None:
        while True:
            self._missing.wait()
            self._missing.clear()
            wanted = select(deliveries.c.id).where(deliveries.c.id.in_([*self._expected]))
            with self._engine.connect().execution_options(reads=True) as connection:
                there = [*map(str, connection.execute(wanted).scalars())]
            now = time.time()
            for delivery_id in there:
                self.seen_at[delivery_id] = now
                self._expected.discard(delivery_id)
            if self._expected:
                self._missing.set()
            time.sleep(LOOK_S)


def _deliver(url: str, rate: int, seconds: float, rows: Rows) -> dict[str, float]:
    """When each delivery was answered, by its id; returns once all rows are there."""
    answered_at: dict[str, float] = {}
    pauses, due = random.Random(rate), time.monotonic()
    ends_at = due + seconds
    with httpx2.Client() as client:
        while due < ends_at:
            msg_id = str(len(answered_at))
            data = {"msg_id": msg_id, "status": "DELIVERED", "timestamp": datetime.now(UTC).isoformat()}
            answer = client.post(url, json={"webhook_event": "dlr", "data": data}).raise_for_status()
            delivery_id = answer.json()["id"]
            answered_at[delivery_id] = time.time()
            rows.expect(delivery_id)
            due += pauses.expovariate(rate)  # whatever the answer took: a slow one makes the load no thinner
            time.sleep(max(0, due - time.monotonic()))
    eventually(lambda: answered_at.keys() <= rows.seen_at.keys())
    return answered_at


def _requested_at(subscriber: Subscriber, answered_at: dict[str, float]) -> dict[str, float]:
    """When the first request about each delivery came: their messages were numbered in the order of the answers."""
    eventually(lambda: len({change["data"]["msg_id"] for change in list(subscriber.received)}) >= len(answered_at))
    by_message: dict[str, float] = {}
    for change in subscriber.received:
        by_message.setdefault(change["data"]["msg_id"], change["received_at"])
    return {delivery_id: by_message[str(number)] for number, delivery_id in enumerate(answered_at)}


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_store_engine(url)
    yield engine
    engine.dispose()

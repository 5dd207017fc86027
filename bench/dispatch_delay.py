"""Seconds from the answer 202 of a delivery to the request at a subscriber, at a low rate, also beside one that hangs."""

import time
from datetime import UTC, datetime

import httpx2

from bench.servers import TOKEN, Server, database, environment, redis, running, temporary_directory, worker
from store.engine import create_store_engine
from tests.acceptance.subscribers import Subscriber, begin, serving, write_file
from tests.processes import dispatcher
from tests.servers import eventually

EVERY_S = 0.1
HANGS_S = 30.0
KNOWN_S = 8.0
"""Until workers know of a subscriber that has just begun."""


def measure(dialect: str, seconds: float, *, beside_hanging: bool) -> list[float]:
    """Seconds, one for each of the deliveries that come ten times a second for so long."""
    good = Subscriber("good")
    hanging = Subscriber("hanging", lambda _: time.sleep(HANGS_S) or 500)
    targets = [good, hanging] if beside_hanging else [good]
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
        with running(server, worker(directory, "workers.app", settings, "worker"), sender):
            engine = create_store_engine(url)
            begin(engine)
            engine.dispose()
            time.sleep(KNOWN_S)
            answered_at = _deliver(f"{server.url}/hooks/{TOKEN}", seconds)
            eventually(lambda: answered_at.keys() <= {change["data"]["msg_id"] for change in list(good.received)})
    received_at: dict[str, float] = {}
    for change in good.received:
        received_at.setdefault(change["data"]["msg_id"], change["received_at"])
    return [received_at[msg_id] - at for msg_id, at in answered_at.items()]


def _deliver(url: str, seconds: float) -> dict[str, float]:
    """When each delivery was answered, by the id of its message."""
    answered_at: dict[str, float] = {}
    with httpx2.Client() as client:
        for number in range(int(seconds / EVERY_S)):
            at = datetime.now(UTC).isoformat()
            data = {"msg_id": str(number), "status": "DELIVERED", "timestamp": at}
            client.post(url, json={"webhook_event": "dlr", "data": data}).raise_for_status()
            answered_at[str(number)] = time.time()
            time.sleep(EVERY_S)
    return answered_at

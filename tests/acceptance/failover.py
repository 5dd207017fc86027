"""What tests of a failover share: a gateway that delivers all the time, what has become rows, and who is ready."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from sqlalchemy import Engine, select

from store.schema import deliveries
from tests.servers import PATIENCE_S

TOKEN = "a-token-for-the-failover-0123456789"


@dataclass
class Gateway:
    """Delivers all the time, each client one after the other, and keeps the ids of accepted deliveries."""

    url: str
    clients: int = 1
    pause_s: float = 0.01
    """Of a client, between two deliveries."""
    accepted: list[str] = field(default_factory=list)
    refused: int = 0

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """Delivers during the block."""
        ended = threading.Event()

        def work(number: int) -> None:
            with httpx2.Client(timeout=PATIENCE_S) as client:
                while not ended.wait(self.pause_s):
                    number += self.clients
                    self._deliver(client, number)

        threads = [threading.Thread(target=work, args=(first,)) for first in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _deliver(self, client: httpx2.Client, number: int) -> None:
        body = {"webhook_event": "dlr", "data": {"msg_id": str(number), "status": "DELIVERED"}}
        try:
            answer = client.post(f"{self.url}/hooks/{TOKEN}", json=body)
        except httpx2.TransportError:
            self.refused += 1
            return
        if answer.status_code == 202:
            self.accepted.append(json.loads(answer.content)["id"])
        else:
            assert answer.status_code == 503
            self.refused += 1


def rows(engine: Engine) -> set[str]:
    """The ids of all deliveries that are rows."""
    with engine.connect().execution_options(reads=True) as connection:
        return set(connection.execute(select(deliveries.c.id)).scalars())


def is_ready(port: int) -> bool:
    """Whether the process whose status is served there is ready."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_S).status_code == 200
    except httpx2.TransportError:
        return False

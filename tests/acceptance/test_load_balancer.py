"""A load balancer of somebody else's: receivers are restarted behind it one by one, and it refuses nothing."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conftest import TOKEN
from tests.haproxy import haproxy
from tests.processes import Receiver, running
from tests.servers import PATIENCE_S, Valkey, eventually

DELIVERY = json.dumps({"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}})
LINGER_S = 3.0


class Traffic:
    """Deliveries without a pause, half on kept connections, and how they were answered."""

    def __init__(self, url: str) -> None:
        self.url, self.answers = f"{url}/hooks/{TOKEN}", Counter[int | str]()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._run(over)))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(2 * PATIENCE_S)

    async def _run(self, over: threading.Event) -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client, asyncio.TaskGroup() as lines:
            for number in range(16):
                lines.create_task(self._deliver(client, {"connection": "close"} if number % 2 else {}, over))

    async def _deliver(self, client: httpx2.AsyncClient, headers: dict[str, str], over: threading.Event) -> None:
        while not over.is_set():
            try:
                answer = await client.post(self.url, content=DELIVERY, headers=headers)
                self.answers[answer.status_code] += 1
            except httpx2.TransportError as error:
                self.answers[type(error).__name__] += 1
            await asyncio.sleep(0.01)


@pytest.mark.duration(20)
def test_a_rolling_restart_refuses_nothing(tmp_path: Path, shared_valkey: Valkey, redis_url: str):
    """A receiver that is asked to end lingers until the balancer has noticed."""
    settings = {
        "REDIS_URL": redis_url,
        "SEVEN_HOOK_TOKEN": TOKEN,
        "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_LINGER_S": str(LINGER_S),
    }
    receivers = [Receiver(tmp_path, settings, f"receiver-{number}") for number in (1, 2)]
    with running(*receivers), haproxy(tmp_path, receivers) as url:
        traffic = Traffic(url)
        with traffic.flowing():
            for receiver in receivers:
                before = traffic.answers[202]
                eventually(lambda before=before: traffic.answers[202] > before + 50)
                began = time.monotonic()
                receiver.end()  # uvicorn ends by the signal
                assert time.monotonic() - began >= LINGER_S
                before = traffic.answers[202]
                eventually(lambda before=before: traffic.answers[202] > before + 50)  # by the other alone
                receiver.start()
                receiver.wait_until_logged("accepted")  # so the balancer sends to it again
        assert set(traffic.answers) == {202}


def test_while_it_lingers(tmp_path: Path, redis_url: str):
    """It is not ready, accepts, and ends each connection with its answer; a second signal ends it at once."""
    settings = {"REDIS_URL": redis_url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
    receiver = Receiver(tmp_path, settings | {"SEVEN_LINGER_S": "60"})
    with running(receiver), httpx2.Client() as client:
        assert "connection" not in client.get(f"{receiver.url}/readyz").headers
        receiver.send(15)
        eventually(lambda: client.get(f"{receiver.url}/readyz").status_code == 503)
        answer = client.post(f"{receiver.url}/hooks/{TOKEN}", content=DELIVERY)
        assert (answer.status_code, answer.headers["connection"]) == (202, "close")
        assert client.get(f"{receiver.url}/elsewhere").headers["connection"] == "close"
        time.sleep(1.1)  # an earlier one would count as an echo
        receiver.send(15)
        assert receiver.process
        assert receiver.process.wait(PATIENCE_S) == 128 + 15

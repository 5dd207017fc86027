"""An answer is a promise: what the receiver says while its ledger pauses, dies, fills up and comes back."""

import asyncio
import json
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ledger.client import Ledger
from tests.conftest import TOKEN
from tests.processes import Receiver, running
from tests.servers import PATIENCE_S, Valkey, eventually, valkey

# The deadline is 2 s, the gateway gives up after 5, and the machines that test are slow at times.
IN_TIME_S = PATIENCE_S  # bounded by seconds, on the slowest machine; unbounded it would be for ever
DELIVERY = {"webhook_event": "dlr", "data": {"msg_id": "7", "status": "DELIVERED"}}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path, "--maxmemory", "24mb") as server:
        yield server


@pytest.fixture
def receiver(tmp_path: Path, broker: Valkey) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path, {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        yield receiver


def deliver(receiver: Receiver, **payload: object) -> httpx2.Response:
    return httpx2.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY | payload, timeout=PATIENCE_S)


def accepted(broker: Valkey) -> int:
    with broker.client() as client:
        return sum(map(int, client.hvals("seven:ordinals")))


def test_no_202_while_the_ledger_is_paused(receiver: Receiver, broker: Valkey):
    """While the broker hangs nobody is told 202, and nobody waits for ever; afterwards all goes on by itself."""
    assert deliver(receiver).status_code == 202
    broker.send(signal.SIGSTOP)
    started = time.monotonic()
    answers = [deliver(receiver)]
    waited = time.monotonic() - started
    eventually(lambda: httpx2.get(f"{receiver.url}/readyz").status_code == 503)
    assert httpx2.get(f"{receiver.url}/livez").status_code == 200
    broker.send(signal.SIGCONT)
    assert [(one.status_code, "retry-after" in one.headers) for one in answers] == [(503, True)]
    assert waited < IN_TIME_S
    eventually(lambda: deliver(receiver).status_code == 202)
    eventually(lambda: httpx2.get(f"{receiver.url}/readyz").status_code == 200)


def test_503_within_the_deadline_while_the_ledger_is_dead(receiver: Receiver, broker: Valkey):
    """With the broker killed: 503 with Retry-After within a bounded time, many at once too; then again without a restart."""
    assert deliver(receiver).status_code == 202
    broker.kill()

    async def many() -> list[tuple[int, float]]:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:

            async def one() -> tuple[int, float]:
                started = time.monotonic()
                answer = await client.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY)
                return answer.status_code, time.monotonic() - started

            return await asyncio.gather(*(one() for _ in range(50)))

    answers = asyncio.run(many())
    assert {status for status, _ in answers} == {503}
    assert max(waited for _, waited in answers) < IN_TIME_S
    broker.start()
    eventually(lambda: deliver(receiver).status_code == 202)
    assert accepted(broker) >= 2


def test_a_filling_ledger_is_refused_before_it_is_full(receiver: Receiver, broker: Valkey):
    """Beyond three quarters of the memory: 503. Redis is never full, so it can still settle; then there is room again."""
    payload = DELIVERY | {"padding": secrets.token_urlsafe(45_000)}  # 60,000 characters that hardly pack
    statuses: list[int] = []
    with httpx2.Client(timeout=PATIENCE_S) as client:

        def refused_for_good() -> bool:
            """Near the bar each probe may find a little room again: several in a row find none."""
            began = time.monotonic()
            while time.monotonic() - began < 1.5:
                statuses.append(client.post(f"{receiver.url}/hooks/{TOKEN}", json=payload).status_code)
                if statuses[-1] != 503:
                    return False
            return True

        eventually(refused_for_good, 90, 0)
    assert set(statuses) == {202, 503}
    assert "memory" in json.dumps(httpx2.get(f"{receiver.url}/readyz").json())
    with broker.client() as client:
        memory = client.info("memory")
        assert memory["used_memory"] < 0.9 * memory["maxmemory"]
    assert accepted(broker) == statuses.count(202)
    ledger = Ledger(broker.url)
    ledger.settle("dlr", [one.decode() for one in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    ledger.close()
    eventually(lambda: deliver(receiver).status_code == 202)


def test_a_slow_or_absent_announcement_delays_no_answer(tmp_path: Path, broker: Valkey):
    """Announcing is off the answer's path: with a broker list of the wrong kind every answer is still a prompt 202."""
    with broker.client() as client:
        client.set("dlr", "not a list")  # LPUSH fails
    receiver = Receiver(tmp_path, {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        assert [deliver(receiver).status_code for _ in range(20)] == [202] * 20
        assert accepted(broker) == 20
        eventually(lambda: "not announced" in receiver.log.read_text())


def test_shutdown_answers_what_it_has_taken(receiver: Receiver, broker: Valkey):
    """SIGTERM under load: every 202 is in the ledger, nobody is cut off in the middle of an answer."""
    ids: list[str] = []
    enough = asyncio.Event()

    async def run() -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:

            async def line() -> None:
                while True:
                    try:
                        answer = await client.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY)
                    except (httpx2.ConnectError, httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                        return
                    assert answer.status_code == 202
                    ids.append(answer.json()["id"])
                    if len(ids) >= 300:
                        enough.set()

            async with asyncio.TaskGroup() as lines:
                for _ in range(20):
                    lines.create_task(line())
                await enough.wait()
                receiver.send(signal.SIGTERM)

    asyncio.run(run())
    assert receiver.end() == -signal.SIGTERM  # uvicorn ends in order, then by the signal that it was sent
    ledger = Ledger(broker.url)
    batches = ledger.fetch([one.decode() for one in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    kept = {json.loads(line)["id"] for batch in batches for line in batch.lines}  # type: ignore[union-attr]
    ledger.close()
    assert kept >= set(ids)


def test_nothing_private_is_logged(receiver: Receiver):
    """Neither the token nor a GET's numbers appear in what the receiver writes, uvicorn's access log included."""
    httpx2.get(f"{receiver.url}/hooks/{TOKEN}/sms_mo?sender=4915112345678&text=secret+words")
    httpx2.post(f"{receiver.url}/hooks/{TOKEN}/sms_mo", content="{broken 4915112345678")
    deliver(receiver)
    receiver.end()
    log = receiver.log.read_text()
    assert " accepted batch=" in log
    assert not [word for word in (TOKEN, "4915112345678", "secret", "/hooks/") if word in log]


def test_raw_sockets_get_right_answers(receiver: Receiver):
    """Chunked bodies are read, one that breaks off is not kept, and a header line of nonsense ends nothing."""
    body = json.dumps(DELIVERY).encode()
    head = f"POST /hooks/{TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:]))

    def say(told: bytes, *, ends: bool = True) -> bytes:
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=PATIENCE_S) as connection:
            connection.sendall(told)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer

    assert b" 202 " in say(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", ends=False)
    assert b" 202 " not in say(head + b"Content-Length: 500\r\n\r\n" + body)
    say(b"\x00\xff nonsense\r\n\r\n")
    assert deliver(receiver).status_code == 202


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"SEVEN_HOOK_TOKEN": ""}, "SEVEN_HOOK_TOKEN", id="no token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, "token needs", id="weak token"),
        pytest.param({"SEVEN_HOOK_TOKEN_FILE": "/nowhere"}, "SEVEN_HOOK_TOKEN_FILE", id="no such file"),
        pytest.param({"SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_BODY_LIMIT": "big"}, "SEVEN_BODY_LIMIT", id="no size"),
        pytest.param({"SEVEN_HOOK_TOKEN": TOKEN, "REDIS_URL": "http://x"}, "REDIS_URL", id="no redis url"),
    ],
)
def test_a_wrong_setting_is_told_at_start(tmp_path: Path, environment: dict[str, str], said: str):
    """A receiver that is told nonsense says which setting it is, without its value, and ends with code 2."""
    receiver = Receiver(tmp_path, environment)
    super(Receiver, receiver).start()
    assert receiver.process
    assert receiver.process.wait(PATIENCE_S) == 2
    assert said in receiver.log.read_text()
    assert "Traceback" not in receiver.log.read_text()

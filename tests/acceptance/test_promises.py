"""A 202 is a promise: the receiver's answers while its ledger hangs, dies, fills up and returns."""

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
from tests.processes import Process, Receiver, running
from tests.servers import PATIENCE_S, Valkey, eventually, valkey

# The deadline is 2 s and the gateway gives up after 5, but test machines may be slow.
IN_TIME_S = PATIENCE_S  # some seconds on the slowest machine; without a deadline it would never end
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


def test_no_202_while_the_ledger_hangs(receiver: Receiver, broker: Valkey):
    """While the broker hangs the receiver answers 503 in time, never 202; afterwards it recovers by itself."""
    assert deliver(receiver).status_code == 202
    broker.send(signal.SIGSTOP)
    started = time.monotonic()
    answers = [deliver(receiver)]
    waited = time.monotonic() - started
    eventually(lambda: httpx2.get(f"{receiver.url}/readyz").status_code == 503)
    assert httpx2.get(f"{receiver.url}/livez").status_code == 200
    broker.send(signal.SIGCONT)
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)]
    assert waited < IN_TIME_S
    eventually(lambda: deliver(receiver).status_code == 202)
    eventually(lambda: httpx2.get(f"{receiver.url}/readyz").status_code == 200)


def test_503_within_the_deadline_while_the_ledger_is_dead(receiver: Receiver, broker: Valkey):
    """With the broker dead 50 concurrent requests get 503 in time; then the receiver recovers without a restart."""
    assert deliver(receiver).status_code == 202
    broker.kill()

    async def many() -> list[tuple[int, float]]:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:

            async def send() -> tuple[int, float]:
                started = time.monotonic()
                answer = await client.post(f"{receiver.url}/hooks/{TOKEN}", json=DELIVERY)
                return answer.status_code, time.monotonic() - started

            return await asyncio.gather(*(send() for _ in range(50)))

    answers = asyncio.run(many())
    assert {status for status, _ in answers} == {503}
    assert max(waited for _, waited in answers) < IN_TIME_S
    broker.start()
    eventually(lambda: deliver(receiver).status_code == 202)
    assert accepted(broker) >= 2


def test_deliveries_are_refused_before_the_ledger_is_full(receiver: Receiver, broker: Valkey):
    """Above 75% of the memory the receiver answers 503, so Redis can still settle, and then there is room again."""
    payload = DELIVERY | {"padding": secrets.token_urlsafe(45_000)}  # 60,000 characters that hardly compress
    statuses: list[int] = []
    with httpx2.Client(timeout=PATIENCE_S) as client:

        def refused_for_good() -> bool:
            """Near the limit a probe may find a little room again: wait until several in a row find none."""
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
    ledger.settle("dlr", [id_.decode() for id_ in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    ledger.close()
    eventually(lambda: deliver(receiver).status_code == 202)


def test_a_slow_or_absent_announcement_delays_no_answer(tmp_path: Path, broker: Valkey):
    """The receiver answers before it announces: if announcing fails, every answer is still a prompt 202."""
    with broker.client() as client:
        client.set("dlr", "not a list")  # LPUSH fails
    receiver = Receiver(tmp_path, {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN})
    with running(receiver):
        assert [deliver(receiver).status_code for _ in range(20)] == [202] * 20
        assert accepted(broker) == 20
        eventually(lambda: "not announced" in receiver.log.read_text())


def test_a_shutdown_answers_every_request(receiver: Receiver, broker: Valkey):
    """SIGTERM under load: every delivery with a 202 is in the ledger, and no answer is cut off."""
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
    assert receiver.end() == -signal.SIGTERM  # uvicorn shuts down in order, then by the signal
    ledger = Ledger(broker.url)
    batches = ledger.fetch([id_.decode() for id_ in ledger.redis.zrange("seven:pending:dlr", 0, -1)])
    kept = {json.loads(line)["id"] for batch in batches for line in batch.lines}  # type: ignore[union-attr]
    ledger.close()
    assert kept >= set(ids)


def test_nothing_private_is_logged(receiver: Receiver):
    """Neither the token nor personal data of a request appears in the receiver's log, uvicorn's lines included."""
    httpx2.get(f"{receiver.url}/hooks/{TOKEN}/sms_mo?sender=4915112345678&text=secret+words")
    httpx2.post(f"{receiver.url}/hooks/{TOKEN}/sms_mo", content="{broken 4915112345678")
    deliver(receiver)
    receiver.end()
    log = receiver.log.read_text()
    assert " accepted batch=" in log
    assert not [word for word in (TOKEN, "4915112345678", "secret", "/hooks/") if word in log]


def test_raw_requests_get_correct_answers(receiver: Receiver):
    """The receiver reads chunked bodies, rejects a body that breaks off, and survives garbage."""
    body = json.dumps(DELIVERY).encode()
    head = f"POST /hooks/{TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:]))

    def send(request: bytes, *, ends: bool = True) -> bytes:
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=PATIENCE_S) as connection:
            connection.sendall(request)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer

    assert b" 202 " in send(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", ends=False)
    assert b" 202 " not in send(head + b"Content-Length: 500\r\n\r\n" + body)
    send(b"\x00\xff nonsense\r\n\r\n")
    assert deliver(receiver).status_code == 202


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        pytest.param({"SEVEN_HOOK_TOKEN": ""}, "SEVEN_HOOK_TOKEN", id="no token"),
        pytest.param({"SEVEN_HOOK_TOKEN": "short"}, "token needs", id="weak token"),
        pytest.param({"SEVEN_HOOK_TOKEN_FILE": "/nowhere"}, "SEVEN_HOOK_TOKEN_FILE", id="no such file"),
        pytest.param({"SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_BODY_LIMIT": "big"}, "SEVEN_BODY_LIMIT", id="not a size"),
        pytest.param({"SEVEN_HOOK_TOKEN": TOKEN, "REDIS_URL": "http://x"}, "REDIS_URL", id="not a Redis URL"),
    ],
)
def test_an_invalid_setting_is_named_at_start(tmp_path: Path, environment: dict[str, str], named: str):
    """A receiver with an invalid setting names it without a traceback and exits with code 2."""
    receiver = Receiver(tmp_path, environment)
    Process.start(receiver)
    assert receiver.process
    assert receiver.process.wait(PATIENCE_S) == 2
    assert named in receiver.log.read_text()
    assert "Traceback" not in receiver.log.read_text()

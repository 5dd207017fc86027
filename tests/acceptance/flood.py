"""Floods: connections without a valid token beside the gateway's deliveries, and how long the gateway waits.

`python -m tests.acceptance.flood [SECONDS]` measures on this machine, with a receiver and a Valkey of its own: the
emulator at a steady rate, first alone, then beside 50 fast and 200 slow connections. The fast ones wait for answers or
hang up; probe `/livez` and wait or hang up; send endless heads or trailers of small fields; or send endless bodies with
a valid token. Then the same with a low limit on the receiver's open files: beside 200 silent connections, and beside
110 endless bodies.
"""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from emulator.report import State
from emulator.sender import RetryPolicy, Sender
from emulator.wire import Request
from tests.processes import ROOT, Receiver, running
from tests.servers import valkey

TOKEN = "the-gateways-own-token-0123456789"
FAST, SLOW = 50, 200
RATE = 100.0
GATEWAYS_S = RetryPolicy().timeout_s
"""After this time the gateway gives up an attempt."""
WARM_S = 1.0
"""Attempts of the first second are not measured: the emulator, on the same cores, is still starting."""
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'


POST = b"POST /hooks/guessed HTTP/1.1\r\nhost: x\r\ncontent-length: 66\r\n\r\n" + BODY
KINDS = ("patient", "hasty", "livez", "hanging up", "fields", "trailers", "bodies")
FEW_FILES = 160
FEW_FILES_KINDS = {"silent": (0, 200), "many bodies": (110, 0)}
"""Kinds for a receiver with few files: how many connections are fast, and how many slow."""
FIELDS = b"ab:\r\n" * 25_000
CHUNKED = b"POST /hooks/%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


class TimedSender(Sender):
    """The emulator's deliveries, with the duration of each attempt."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.began = time.perf_counter()
        self.seconds: list[float] = []

    async def _attempt(self, *arguments: Any) -> None:
        began = time.perf_counter()
        await super()._attempt(*arguments)
        if began - self.began > WARM_S or not self.seconds:
            self.seconds.append(time.perf_counter() - began)


@dataclass(frozen=True)
class Outcome:
    """What happened to the deliveries, and the seconds that attempts took."""

    deliveries: int
    accepted: int
    refused: int
    retried: int
    p50: float
    p99: float
    longest: float
    """Seconds of the longest attempt."""
    memory_mib: float = 0.0
    """The receiver's peak so far."""
    probes: tuple[int, int] = (0, 0)
    """Numbers of `/livez` probes sent and answered."""


def deliver(url: str, seconds: float, patience_s: float) -> Outcome:
    """Deliver for some seconds at a steady rate; give up an attempt after `patience_s`."""
    number = int(seconds * RATE)
    requests = [Request("POST", f"{url}/hooks/{TOKEN}", (("content-type", "application/json"),), BODY)] * number
    sender = TimedSender(requests, RetryPolicy(timeout_s=patience_s), concurrency=32, rate=RATE)
    report = asyncio.run(sender.run())
    took = sorted(sender.seconds)
    states = [result.state for result in report.results.values()]
    return Outcome(
        number, states.count(State.DELIVERED), number - states.count(State.DELIVERED), sum(report.retries.values()),
        took[len(took) // 2], took[len(took) * 99 // 100], took[-1],
    )  # fmt: skip


@contextmanager
def flooding(port: int, seconds: float, kind: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs a flood in its own process during the block; it also ends by itself."""
    command = [sys.executable, "-m", "tests.acceptance.flood", "run", str(port), str(seconds), kind]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()  # all are connected
        yield process
    finally:
        process.kill()
        process.communicate()


async def run_flood(port: int, seconds: float, kind: str) -> None:
    """Open the connections and reopen each that is closed; print the number of answers at the end.

    Fast connections wait for answers (`patient`), hang up at once (`hasty`), probe `/livez`, or do as their kind says.
    """
    until = time.monotonic() + seconds
    answers = 0

    async def fast() -> None:
        nonlocal answers
        while time.monotonic() < until:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if kind == "hasty":
                    writer.write(POST)
                    writer.close()
                    await writer.wait_closed()
                while kind == "patient":
                    writer.write(POST)
                    await reader.readuntil(b"Not Found")
                    answers += 1
                while kind == "livez":
                    writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                    await reader.readuntil(b"alive\n")
                    answers += 1
                if kind == "hanging up":
                    writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
                    writer.close()
                    await writer.wait_closed()
                if kind in ("fields", "trailers"):
                    head = b"GET /hooks/guessed HTTP/1.1\r\nhost: x\r\n"
                    writer.write(head if kind == "fields" else CHUNKED % b"guessed" + b"0\r\n")
                    for _ in range(40):
                        writer.write(FIELDS)
                        await writer.drain()
                if kind in ("bodies", "many bodies"):
                    writer.write(CHUNKED % TOKEN.encode())
                    await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def slow() -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if kind == "silent":
                    await reader.read()
                for byte in b"POST /hooks/guessed HTTP/1.1\r\nx: " + b"y" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as group:
        fast_count, slow_count = FEW_FILES_KINDS.get(kind, (FAST, SLOW))
        tasks = [group.create_task(slow()) for _ in range(slow_count)]
        tasks += [group.create_task(fast()) for _ in range(fast_count)]
        await asyncio.sleep(0.5)
        print("connected", flush=True)
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        for task in tasks:
            task.cancel()
    print(answers, flush=True)


def measure(
    directory: Path, seconds: float, kinds: Sequence[str] = KINDS, files: int = 0, patience_s: float = GATEWAYS_S
) -> dict[str, Outcome]:
    """Outcomes of the emulator alone (`quiet`) and beside each kind of flood. `files` limits open files."""
    with valkey(directory) as broker:
        environment = {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
        receiver = Receiver(directory, environment)
        if files:
            receiver.command = ["prlimit", f"--nofile={files}:{files}", *receiver.command]
        with running(receiver):
            deliver(receiver.url, 1, patience_s)
            outcomes = {"quiet": deliver(receiver.url, seconds, patience_s)}
            for kind in kinds:
                with flooding(receiver.port, seconds + 60, kind), probing(receiver.port, patience_s) as probes:
                    outcome = deliver(receiver.url, seconds, patience_s)
                outcomes[kind] = replace(outcome, memory_mib=memory_mib(receiver), probes=(len(probes), sum(probes)))
    return outcomes


def memory_mib(receiver: Receiver) -> float:
    """The receiver's peak memory."""
    assert receiver.process
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{receiver.process.pid}/status").read_text())
    return int(peak) / 1024


@contextmanager
def probing(port: int, patience_s: float) -> Iterator[list[bool]]:
    """Probes `/livez` during the block, as a supervisor does; yields whether each probe was answered."""
    ended, answers = threading.Event(), []

    def probe() -> None:
        while not ended.wait(0.1):
            try:
                with socket.create_connection(("127.0.0.1", port), patience_s) as connection:
                    connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                    answers.append(b" 200 OK" in connection.recv(4096))
            except OSError:
                answers.append(False)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        asyncio.run(run_flood(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
        return
    with tempfile.TemporaryDirectory() as directory:
        seconds = float(sys.argv[1]) if sys.argv[1:] else 15.0
        runs = [measure(Path(directory), seconds), measure(Path(directory), seconds, [*FEW_FILES_KINDS], FEW_FILES)]
    for outcomes in runs:
        quiet = outcomes["quiet"]
        for kind, outcome in outcomes.items():
            print(json.dumps({"beside": kind, **asdict(outcome), "p99 ratio": round(outcome.p99 / quiet.p99, 2)}))


if __name__ == "__main__":
    main()

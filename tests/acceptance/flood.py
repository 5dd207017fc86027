"""Flooding: strangers at full speed beside the gateway at its own, and how long the gateway waits.

`python -m tests.acceptance.flood [SECONDS]` measures on this machine: a receiver and a Valkey of its own, the
emulator at a steady rate, first alone and then beside 50 strangers as fast as they can and 200 that are slow; then the
same with strangers who do not wait for answers, with some who ask whether we live and hang up or not, with heads and
trailers of small fields without end, and with bodies of a token holder that never end. Then the same where the receiver
may open few files: beside 200 silent strangers, and beside 110 such bodies.
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
"""After so long the gateway gives an attempt up."""
WARM_S = 1.0
"""In which the emulator itself, on the same cores, is still getting ready: how long it waits then says nothing."""
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'


POST = b"POST /hooks/guessed HTTP/1.1\r\nhost: x\r\ncontent-length: 66\r\n\r\n" + BODY
MANNERS = ("patient", "hasty", "livez", "hanging up", "fields", "trailers", "bodies")
FEW_FILES = 160
MANY = {"silent": (0, 200), "many bodies": (110, 0)}
"""Of each manner where files are few, how many are fast and how many slow."""
FIELDS = b"ab:\r\n" * 25_000
CHUNKED = b"POST /hooks/%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


class Watched(Sender):
    """The emulator's deliveries, with how long each attempt took."""

    def __init__(self, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        self.began = time.perf_counter()
        self.seconds: list[float] = []

    async def _attempt(self, *told: Any) -> None:
        began = time.perf_counter()
        await super()._attempt(*told)
        if began - self.began > WARM_S or not self.seconds:
            self.seconds.append(time.perf_counter() - began)


@dataclass(frozen=True)
class Outcome:
    """What the emulator saw, and in how many seconds."""

    deliveries: int
    accepted: int
    refused: int
    retried: int
    p50: float
    p99: float
    longest: float
    """Seconds of the longest attempt."""
    memory_mib: float = 0.0
    """The most that the receiver ever had, by then."""
    probes: tuple[int, int] = (0, 0)
    """Times that somebody else asked whether we live, and times that this was answered."""


def deliver(url: str, seconds: float, patience_s: float) -> Outcome:
    """Deliver for some seconds at a steady rate; an attempt that takes longer than `patience_s` is given up."""
    number = int(seconds * RATE)
    requests = [Request("POST", f"{url}/hooks/{TOKEN}", (("content-type", "application/json"),), BODY)] * number
    watched = Watched(requests, RetryPolicy(timeout_s=patience_s), concurrency=32, rate=RATE)
    report = asyncio.run(watched.run())
    took = sorted(watched.seconds)
    states = [fate.state for fate in report.fates.values()]
    return Outcome(
        number, states.count(State.DELIVERED), number - states.count(State.DELIVERED), sum(report.retries.values()),
        took[len(took) // 2], took[len(took) * 99 // 100], took[-1],
    )  # fmt: skip


@contextmanager
def strangers(port: int, seconds: float, manner: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Strangers in a process of their own, for the length of a block; it ends by itself, too."""
    command = [sys.executable, "-m", "tests.acceptance.flood", "strangers", str(port), str(seconds), manner]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()  # all are there
        yield process
    finally:
        process.kill()
        process.communicate()


async def be_strangers(port: int, seconds: float, manner: str) -> None:
    """As many connections as there are to be, each again as soon as it is closed. Tells how many answers came.

    The fast ones wait for answers and go on (`patient`), hang up at once (`hasty`), or ask for `/livez`.
    """
    until = time.monotonic() + seconds
    answers = 0

    async def fast() -> None:
        nonlocal answers
        while time.monotonic() < until:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if manner == "hasty":
                    writer.write(POST)
                    writer.close()
                    await writer.wait_closed()
                while manner == "patient":
                    writer.write(POST)
                    await reader.readuntil(b"Not Found")
                    answers += 1
                while manner == "livez":
                    writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                    await reader.readuntil(b"alive\n")
                    answers += 1
                if manner == "hanging up":
                    writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
                    writer.close()
                    await writer.wait_closed()
                if manner in ("fields", "trailers"):
                    head = b"GET /hooks/guessed HTTP/1.1\r\nhost: x\r\n"
                    writer.write(head if manner == "fields" else CHUNKED % b"guessed" + b"0\r\n")
                    for _ in range(40):
                        writer.write(FIELDS)
                        await writer.drain()
                if manner in ("bodies", "many bodies"):
                    writer.write(CHUNKED % TOKEN.encode())
                    await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def slow() -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                if manner == "silent":
                    await reader.read()
                for byte in b"POST /hooks/guessed HTTP/1.1\r\nx: " + b"y" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as group:
        many_fast, many_slow = MANY.get(manner, (FAST, SLOW))
        tasks = [group.create_task(slow()) for _ in range(many_slow)]
        tasks += [group.create_task(fast()) for _ in range(many_fast)]
        await asyncio.sleep(0.5)
        print("here", flush=True)
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        for task in tasks:
            task.cancel()
    print(answers, flush=True)


def flooded(
    directory: Path, seconds: float, manners: Sequence[str] = MANNERS, files: int = 0, patience_s: float = GATEWAYS_S
) -> dict[str, Outcome]:
    """The emulator alone (`quiet`), and beside strangers of each manner; with a limit on the receiver's open files."""
    with valkey(directory) as broker:
        environment = {"REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off"}
        receiver = Receiver(directory, environment)
        if files:
            receiver.command = ["prlimit", f"--nofile={files}:{files}", *receiver.command]
        with running(receiver):
            deliver(receiver.url, 1, patience_s)
            found = {"quiet": deliver(receiver.url, seconds, patience_s)}
            for manner in manners:
                with strangers(receiver.port, seconds + 60, manner), probing(receiver.port, patience_s) as probes:
                    outcome = deliver(receiver.url, seconds, patience_s)
                found[manner] = replace(outcome, memory_mib=memory_mib(receiver), probes=(len(probes), sum(probes)))
    return found


def memory_mib(receiver: Receiver) -> float:
    """The most memory that a receiver has had."""
    assert receiver.process
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{receiver.process.pid}/status").read_text())
    return int(peak) / 1024


@contextmanager
def probing(port: int, patience_s: float) -> Iterator[list[bool]]:
    """Ask now and then whether a receiver lives, as a supervisor does, for the length of a block."""
    ended, answers = threading.Event(), []

    def ask() -> None:
        while not ended.wait(0.1):
            try:
                with socket.create_connection(("127.0.0.1", port), patience_s) as connection:
                    connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                    answers.append(b" 200 OK" in connection.recv(4096))
            except OSError:
                answers.append(False)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def main() -> None:
    if sys.argv[1:2] == ["strangers"]:
        asyncio.run(be_strangers(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
        return
    with tempfile.TemporaryDirectory() as directory:
        seconds = float(sys.argv[1]) if sys.argv[1:] else 15.0
        runs = [flooded(Path(directory), seconds), flooded(Path(directory), seconds, [*MANY], FEW_FILES)]
    for found in runs:
        for name, told in found.items():
            print(json.dumps({"beside": name, **asdict(told), "p99 ratio": round(told.p99 / found["quiet"].p99, 2)}))


if __name__ == "__main__":
    main()

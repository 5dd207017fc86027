"""What a weekend without webhooks needs: the gateway with its journal, deliveries sent to the receiver, measured commands."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from emulator.report import State
from emulator.scenarios import plan_deliveries
from emulator.sender import RetryPolicy, Sender
from emulator.vendor_event import VendorEvent
from emulator.wire import requests
from tests.conftest import TOKEN
from tests.forks import COMMAND
from tests.processes import HttpProcess, Receiver
from tests.servers import PATIENCE_S, eventually, free_port

KEY = "a-secret-api-key"
LONGEST_S = 1200.0


class EmulatedGateway(HttpProcess):
    """The emulator on a free port, in a process of its own."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "uvicorn", "emulator.app:app", "--port", str(port), "--log-level", "warning"]
        super().__init__("emulator", directory, command, {})

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"{self.url}/api"

    def play(self, seed: int, messages: int, now: datetime) -> None:
        """Play a scenario without any hook: all of it is in the journal, and nothing is delivered."""
        body = {"seed": seed, "messages": messages, "now": now.isoformat(), "duplicates": 0}
        number = httpx2.post(f"{self.url}/scenarios", json=body, timeout=PATIENCE_S).json()["scenario"]

        def is_over() -> bool:
            return bool(httpx2.get(f"{self.url}/scenarios/{number}").json()["state"] == "finished")

        eventually(is_over, LONGEST_S)


def deliver(receiver: Receiver, events: Sequence[VendorEvent]) -> None:
    """Deliver webhooks of these events, each accepted."""
    url = f"{receiver.url}/hooks/{TOKEN}"
    report = asyncio.run(Sender(requests(plan_deliveries(events), url), RetryPolicy(compression=300)).run())
    assert set(report.states) <= {State.DELIVERED}, report.states


@dataclass(frozen=True, slots=True)
class Measured:
    """A command that has ended."""

    code: int
    answer: Any
    seconds: float
    mib: int
    """Its peak of resident memory."""


def measure(environment: dict[str, str], directory: Path, *words: str) -> Measured:
    """Run a command with --json to its end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SEVEN_", "REDIS_", "DATABASE_"))}
    began, output = time.monotonic(), directory / "answer.json"
    with output.open("wb") as file, (directory / "errors").open("ab") as errors:
        process = subprocess.Popen(
            [COMMAND, *words, "--json"], cwd=directory, env=inherited | environment, stdout=file, stderr=errors
        )
        peak = 0
        while process.poll() is None:  # the usage of a child has the memory of the process that started it
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.05)
    answer = json.loads(output.read_text() or "null")
    return Measured(process.returncode, answer, time.monotonic() - began, peak)


def peak_mib(process_id: int) -> int:
    """The peak of a running process' resident memory; 0 of one that has just ended."""
    status = Path(f"/proc/{process_id}/status").read_text()
    peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks, default=0) // 1024
